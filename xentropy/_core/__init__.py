"""Formulas, in array API code only: every function here is handed its library and names none.

The order to read them in: `partial` (the algebra of log-sums), `softmax` (everything relative to the
row's maximum), `target` (what a label is), `categorical` and `binary` (the losses), `rule` (what a
derivative is), `verbs` (what a formula may ask of a library beyond the standard).
"""
