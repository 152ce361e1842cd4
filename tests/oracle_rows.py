"""One row of a categorical loss: the textbook softmax, its costs, and what flows back through it.

A row object knows which classes are there (`kept` by `where`, `allowed` without the `-inf` logits),
its `state`, the cost of each class, and the derivative of a weighted sum of costs.

    state     rule 4 "void":  every class is where=False
              rule 4 "empty": no class is allowed, and some of them are -inf logits
              rule 5 "nan":   a NaN or +inf logit in a class that `where` keeps
              "good":         all the rest
"""

from __future__ import annotations

from mpmath import mp
from oracle_numbers import INF, NAN, NOT_A_NUMBER, NOTHING, ONE, UNSPECIFIED, ZERO, Quantity, add_up, finite

# A confident row needs as many more digits as its tail exp(-margin) is small. Below 1e-400 every
# dtype has underflowed.
MOST_TAIL_DIGITS = 400


def row_state(values, kept):
    """The state of a row and its allowed classes, from its logits or log-probabilities."""
    allowed = [j for j in kept if values[j] != -INF]
    if not kept:
        return "void", allowed
    if any(not finite(values[j]) for j in allowed):
        return "nan", allowed
    return ("good" if allowed else "empty"), allowed


class SoftmaxRow:
    """p_j = exp(u_j) / sum_k exp(u_k) over the allowed classes, with u = softcap(x) / T (rule 11)."""

    def __init__(self, logits, keep, temperature=ONE, softcap=None):
        self.x, self.keep, self.temperature, self.softcap = logits, keep, temperature, softcap
        self.kept = [j for j in range(len(logits)) if keep[j]]
        self.state, self.allowed = row_state(logits, self.kept)
        # Rule 11: a temperature or softcap <= 0 is NaN where it cannot be raised.
        if self.kept and (not temperature > 0 or (softcap is not None and not softcap > 0)):
            self.state = "nan"
        self.dps = mp.dps
        if self.state == "good":
            self._normalize()

    def _capped(self, j):
        return self.x[j] if self.softcap is None else self.softcap * mp.tanh(self.x[j] / self.softcap)

    def _normalize(self):
        u = {j: self._capped(j) / self.temperature for j in self.allowed}
        top = max(self.allowed, key=u.__getitem__)
        others = [j for j in self.allowed if j != top]
        margin = min((u[top] - u[j] for j in others), default=ZERO)
        self.dps = mp.dps + int(min(margin / mp.log(10), MOST_TAIL_DIGITS)) + 1
        with mp.workdps(self.dps):
            power = {j: mp.exp(u[j]) for j in self.allowed}
            whole = mp.fsum(power.values())
            self.u, self.top, self.whole = u, top, whole
            self.p = {j: power[j] / whole for j in self.allowed}
        # The rest serves the bar alone: |d|, r, and the mean of |d| under exp(d) over the others.
        if self.softcap is None:
            self.distance = {j: u[top] - u[j] for j in self.allowed}
        else:  # a capped logit carries an error of c eps
            self.distance = {j: abs(u[j]) + abs(u[top]) for j in self.allowed}
            self.distance[top] = ZERO
        rest = mp.fsum([power[j] for j in others])
        self.r = rest / power[top]
        self.log1p_r = mp.log1p(self.r)
        mean = mp.fsum([power[j] * self.distance[j] for j in others]) / rest if others else ZERO
        self.row_factor = 1 + mean

    def factor(self, j):
        """1 + |d_j|; at the maximum's own place, whose error is that of r, the row's own factor."""
        return self.row_factor if j == self.top else 1 + self.distance[j]

    def lse(self):
        """log sum_j exp(u_j); -inf for no class, +inf for a +inf logit (rules 4, 5 and 15)."""
        if self.state == "nan":
            plain = all(not mp.isnan(self.x[j]) for j in self.kept) and self.temperature > 0
            return Quantity(INF if plain else NAN, ZERO)
        if self.state != "good":
            return Quantity(-INF, ZERO)
        with mp.workdps(self.dps):
            return Quantity(mp.log(self.whole), self.row_factor * self.lse_terms())

    def lse_terms(self):
        return abs(self.u[self.top]) + self.log1p_r

    def cost(self, j):
        """-log p_j = -log(exp(u_j) / sum exp(u))."""
        with mp.workdps(self.dps):
            return Quantity(-mp.log(self.p[j]), self.row_factor * (self.distance[j] + self.log1p_r))

    def pulls(self, w):
        """How much each weighted class pulls at its logit: for the cross-entropy, its weight."""
        return {k: Quantity(w[k], abs(w[k])) for k in w if self.keep[k]}

    def from_final(self, w):
        """Derivative of sum_k w_k cost_k with respect to each u_j: V p_j - v_j, with V = sum_k v_k.

        Rule 3: V counts the weight at -inf logits, and not that of where=False classes.
        """
        with mp.workdps(self.dps):
            v = self.pulls(w)
            total = add_up(v.values())
            beside_top = mp.fsum([v[k].scale for k in v if k != self.top])
            out = {}
            for j in self.allowed:
                mine = v.get(j, NOTHING)
                if j == self.top and self.r < 1:
                    terms = beside_top + total.scale * self.r / (1 + self.r)
                else:
                    terms = total.scale * self.p[j] + mine.scale
                out[j] = Quantity(total.value * self.p[j] - mine.value, self.factor(j) * terms)
            return out

    def lse_square(self):
        """lse^2 and its derivative 2 lse p_j with respect to each u_j (rule 12)."""
        with mp.workdps(self.dps):
            lse, terms = self.lse(), self.lse_terms()
            square = Quantity(lse.value**2, self.row_factor * terms**2)
            slopes = {
                j: Quantity(2 * lse.value * self.p[j], self.factor(j) * 2 * terms * self.p[j]) for j in self.allowed
            }
            return square, slopes

    def entropy(self):
        """-sum_j p_j log p_j and its derivative -p_j (log p_j + entropy), of two terms even where they cancel."""
        with mp.workdps(self.dps):
            cost = {j: -mp.log(self.p[j]) for j in self.allowed}
            value = mp.fsum([self.p[j] * cost[j] for j in self.allowed])
            spread = mp.fsum([(1 + self.distance[j]) * self.p[j] * self.distance[j] for j in self.allowed])
            terms = {j: self.p[j] * (cost[j] + max(spread, value)) for j in self.allowed}
            slopes = {j: Quantity(self.p[j] * (cost[j] - value), self.factor(j) * terms[j]) for j in self.allowed}
            return Quantity(value, self.row_factor * self.log1p_r + spread), slopes

    # From derivatives with respect to u back to the arguments of the row.

    def to_logits(self, slopes):
        """du_j / dx_j = 1 / T, times 1 / cosh^2(x_j / c) with a softcap, whose own error is |x_j / c| eps."""
        with mp.workdps(self.dps):
            per_t = 1 / self.temperature
            if self.softcap is None:
                return {j: slope.times(per_t) for j, slope in slopes.items()}
            y = {j: self.x[j] / self.softcap for j in slopes}
            return {j: slope.times(per_t / mp.cosh(y[j]) ** 2, slack=1 + abs(y[j])) for j, slope in slopes.items()}

    def to_temperature(self, slopes):
        """du_j / dT = -u_j / T; the slopes of a shift-invariant quantity sum to 0, so d_j serves as u_j."""
        with mp.workdps(self.dps):
            value = mp.fsum([g.value * (self.u[j] - self.u[self.top]) for j, g in slopes.items()])
            scale = mp.fsum([g.scale * self.distance[j] for j, g in slopes.items()])
            return Quantity(-value, scale).times(1 / self.temperature)

    def lse_to_temperature(self, slopes):
        """As above for a quantity that does change with a shift."""
        with mp.workdps(self.dps):
            return add_up(g.times(-self.u[j] / self.temperature) for j, g in slopes.items())

    def to_softcap(self, slopes):
        """du_j / dc = (tanh y - y / cosh^2 y) / T with y = x_j / c."""
        parts = []
        with mp.workdps(self.dps):
            for j, slope in slopes.items():
                y = self.x[j] / self.softcap
                tanh, bell = mp.tanh(y), y / mp.cosh(y) ** 2
                scale = slope.scale * (abs(tanh) + abs(bell)) * (1 + abs(y))
                parts.append(Quantity(slope.value * (tanh - bell), scale).times(1 / self.temperature))
            return add_up(parts)

    def nan_value(self, weights):
        """What a row of state "nan" or "empty" costs: NaN (rules 4 and 5)."""
        return NOT_A_NUMBER

    def nan_slope(self):
        return NOT_A_NUMBER


class FocalRow(SoftmaxRow):
    """The same row with cost (1 - p_j)^gamma (-log p_j)."""

    def __init__(self, logits, keep, temperature=ONE, softcap=None, gamma=ZERO):
        self.gamma = gamma
        super().__init__(logits, keep, temperature, softcap)

    def cost(self, j):
        plain = super().cost(j)
        with mp.workdps(self.dps):
            return plain.times((1 - self.p[j]) ** self.gamma, slack=1 + abs(self.gamma))

    def pulls(self, w):
        """-dcost / dlog p = (1 - p)^gamma - gamma p (1 - p)^(gamma - 1) log p; 1 where p = 0."""
        return {k: self._pull(k).times(w[k]) for k in w if self.keep[k]}

    def _pull(self, k):
        if k not in self.p:  # a -inf logit
            return Quantity(ONE, ONE)
        p, gamma = self.p[k], self.gamma
        if p == 1:  # the limits: 1 for gamma = 0, 0 for gamma > 0
            return Quantity(ONE, ONE) if gamma == 0 else NOTHING
        plain, bend = (1 - p) ** gamma, gamma * p * (1 - p) ** (gamma - 1)
        terms = plain + abs(bend) * (self.distance[k] + self.log1p_r)
        return Quantity(plain - bend * mp.log(p), (1 + abs(gamma)) * self.row_factor * terms)

    def cost_to_gamma(self, j):
        """dcost / dgamma = cost log(1 - p); 0 at p = 1."""
        with mp.workdps(self.dps):
            if self.p[j] == 1:
                return NOTHING
            log = mp.log(1 - self.p[j])
            cost = self.cost(j)
            return Quantity(cost.value * log, cost.scale * (1 + abs(log)))


class LogProbRow:
    """A row of log-probabilities: the cost of class j is -log_probs_j, and nothing is normalized."""

    def __init__(self, log_probs, keep):
        self.x, self.keep = log_probs, keep
        self.kept = [j for j in range(len(log_probs)) if keep[j]]
        self.state, self.allowed = row_state(log_probs, self.kept)
        self.dps = mp.dps

    def cost(self, j):
        return Quantity(-self.x[j], abs(self.x[j]))

    def from_final(self, w):
        return {j: Quantity(-w[j], abs(w[j])) for j in self.allowed if j in w}

    def to_logits(self, slopes):
        return slopes

    def nan_value(self, weights):
        """NaN times a positive target is NaN; what a NaN or +inf beside the target does is left open."""
        return NOT_A_NUMBER if any(mp.isnan(self.x[j]) for j in weights) else UNSPECIFIED

    def nan_slope(self):
        return UNSPECIFIED
