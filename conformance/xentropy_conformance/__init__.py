"""Test vectors for cross-entropy and its relatives, and a runner that holds any implementation against them."""
