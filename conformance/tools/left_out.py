"""Reports of wrong losses that no case stands for, and why; and where to look for what they asked.

Everything else that is known to have been reported has its number in the cases. `tests/test_vectors.py` holds this
table against them.
"""

from __future__ import annotations

LARGE = "needs more than 2^16 rows or classes, more than a file of cases can hold; tests/test_properties.py has some"
RANDOM = "two runs that differ in their last digits: no number of one call is wrong"
COMPLEX = "complex numbers, which the cases have not"
REQUEST = "a request, with no wrong number in it"
UNSEEN = "known by its number alone"

LEFT_OUT = {
    "pytorch/pytorch#111484": LARGE,
    "pytorch/pytorch#55657": LARGE,
    "Dao-AILab/flash-attention#714": LARGE,
    "mosaicml/llm-foundry#812": LARGE,
    "pytorch/pytorch#71367": RANDOM,
    "pytorch/pytorch#46024": RANDOM,
    "pytorch/pytorch#17350": RANDOM,
    "scipy/scipy#22601": COMPLEX,
    "scipy/scipy#22607": COMPLEX,
    "data-apis/array-api#596": REQUEST,
    "data-apis/array-api#725": REQUEST,
    "scipy/scipy#21709": UNSEEN,
    "linkedin/Liger-Kernel#272": UNSEEN,
    "linkedin/Liger-Kernel#421": UNSEEN,
}

# A change or a decision, and the report behind it, whose number the cases have.
BELONGS_TO = {
    "google-deepmind/optax#1492": "google-deepmind/optax#1486",
    "pytorch/pytorch#64572": "pytorch/pytorch#70348",
    "pytorch/pytorch#131060": "pytorch/pytorch#55056",
    "pytorch/pytorch#133882": "pytorch/pytorch#55056",
    "pytorch/pytorch#166232": "pytorch/pytorch#85791",
    "keras-team/keras#22140": "keras-team/keras#21097",
    "keras-team/keras#23488": "keras-team/keras#23487",
    "apple/ml-cross-entropy#18": "apple/ml-cross-entropy#14",
}
