"""Looking again and again while a canary runs, or a stream flows, without fooling oneself.

Standard library only. `MixtureTest` may be read after every batch: the chance that it ever cries
wolf stays at α. `Cusum` finds when a mean with known reference moved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

Word = Literal["harm", "no harm", "continue", "inconclusive"]

ALLOWANCE: Final = 0.5
"""Half the shift, in σ, that a CUSUM is tuned to find."""
CUSUM_LIMIT: Final = 4.77
"""About 400 samples between false alarms, looking both ways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureTest:
    """Mean of differences (canary − champion, positive = better) against 0, valid at every look.

    `tau` is the smallest difference that matters, as standard deviation of a normal mixture over
    possible effects (default in practice: half the accepted loss). Rows should be blocks (minutes,
    pairs), so that their mean is about normal. Source: Johari et al. 2022 (mSPRT); Robbins 1970.
    """

    tau: float
    n: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """Sum of squared deviations from the mean (Welford)."""
    p_value: float = 1.0
    """Smallest so far: never rises."""
    variance: float | None = None
    """Of one difference; None = estimated from the differences, from the tenth on."""

    def seen(self, difference: float) -> MixtureTest:
        """The test after one more difference."""
        n = self.n + 1
        step = difference - self.mean
        mean = self.mean + step / n
        after = replace(self, n=n, mean=mean, squares=self.squares + step * (difference - mean))
        spread = after.spread
        if spread is None:
            return after
        ratio = likelihood_ratio(n, mean, spread, self.tau)
        return replace(after, p_value=min(self.p_value, 1.0 / ratio if ratio > 0 else 1.0))

    @property
    def spread(self) -> float | None:
        """Variance of one difference; None while it is unknown."""
        if self.variance is not None:
            return self.variance
        if self.n < 10 or self.squares <= 0:
            return None
        return self.squares / (self.n - 1)

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Always-valid interval of the mean: it may be looked at whenever one likes."""
        spread = self.spread
        if spread is None or self.n == 0:
            return -math.inf, math.inf
        half = always_valid_half_width(self.n, spread, self.tau, alpha)
        return self.mean - half, self.mean + half

    def word(self, accepted_loss: float, *, is_over: bool = False, alpha: float = 0.05) -> Word:
        """`harm`: surely worse than the accepted loss (≥ 0) → roll back. `no harm`: surely not →
        promote. Else go on, or stop undecided when the time is over."""
        low, high = self.interval(alpha)
        if high < -accepted_loss:
            return "harm"
        if low > -accepted_loss:
            return "no harm"
        return "inconclusive" if is_over else "continue"


def likelihood_ratio(n: int, mean: float, variance: float, tau: float) -> float:
    """Λ of the normal mixture against "no difference" after n differences of this mean.

    √(σ² / (σ² + nτ²)) · exp(n²τ²x̄² / (2σ²(σ² + nτ²))); infinite beyond floating point.
    """
    total = variance + n * tau * tau
    exponent = (n * tau * mean) ** 2 / (2 * variance * total)
    return math.inf if exponent > 700 else math.sqrt(variance / total) * math.exp(exponent)


def always_valid_half_width(n: int, variance: float, tau: float, alpha: float = 0.05) -> float:
    """Half the width of the interval that belongs to `likelihood_ratio`."""
    total = variance + n * tau * tau
    inside = math.log(math.sqrt(total / variance) / alpha)
    return math.sqrt(2 * variance * total / (n * tau) ** 2 * inside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cusum:
    """Cumulative sums of what exceeds a known mean, both ways; alarm above 4.77.

    Feed means of minutes, not single requests: neighbours are not independent. Source: Page 1954;
    Hawkins and Olwell 1998.
    """

    mean: float
    deviation: float
    """Standard deviation of one sample, > 0."""
    up: float = 0.0
    down: float = 0.0
    n: int = 0

    def seen(self, value: float) -> Cusum:
        """The sums after one more sample; after an alarm start a new one."""
        z = (value - self.mean) / self.deviation
        return replace(
            self,
            up=max(0.0, self.up + z - ALLOWANCE),
            down=max(0.0, self.down - z - ALLOWANCE),
            n=self.n + 1,
        )

    @property
    def is_alarm(self) -> bool:
        return max(self.up, self.down) > CUSUM_LIMIT

    @property
    def is_rising(self) -> bool:
        """Which way the alarm points."""
        return self.up >= self.down
