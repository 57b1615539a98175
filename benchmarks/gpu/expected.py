"""What a card is expected to reach, by counted bytes and assumed rates.

The bytes are those of ``benchmarks.gpu.traffic`` for ProtoGCN at full size: 64 clips, 80 rows of
bodies, bfloat16. The rates are guesses for an H200, whose memory copies 4.3 TB/s.
"""

from collections.abc import Mapping

from benchmarks.gpu.report import Range

COPY_RATE = 4.3e12  # bytes read and written in a second, for which the rates are meant
_STEP = {"pointwise": 17.0e9, "reductions": 14.0e9, "products": 16.6e9}  # bytes of a step
_RATES = {"pointwise": 3.6e12, "reductions": 3.2e12, "products": 1.65e12}  # bytes a second
_LAUNCHES = 5.3e-3  # seconds of convolutions, small kernels and the head, which no byte explains
_KERNEL_SAVES = 3.5e-3  # seconds: products along the topology, which the mixing kernel replaces
_EAGER = 295e9 / 3.3e12  # 5,000 operations of 295 GB
_CROPS, _EVALUATION = 160, 27.3e9 / 3.0e12  # crops, and the seconds of their bytes
_BETTER, _WORSE = 0.78, 1.36  # how far the guesses may be off


def expected_figures(copy_rate: float) -> Mapping[str, Range]:
    """Return the range of each figure of ``benchmarks.gpu`` that is expected.

    Args:
        copy_rate: bytes per second that the card reads and writes when it copies.
    """
    slower = COPY_RATE / copy_rate
    step = _LAUNCHES + slower * sum(size / _RATES[kind] for kind, size in _STEP.items())
    return {
        "copy on the device, read and written": Range(3800, 4500),
        "matrix product of 8192, bfloat16": Range(600, 850),
        "matrix product of 8192, TF32": Range(280, 450),
        "first step, compiled bf16, graphs": Range(60, 500),
        "step, eager bf16": _milliseconds(slower * _EAGER),
        "step, compiled bf16, graphs": _milliseconds(step),
        "step, compiled bf16, graphs, kernel": _milliseconds(step - slower * _KERNEL_SAVES),
        "scoring, compiled bf16": Range(
            _CROPS / (slower * _EVALUATION * _WORSE), _CROPS / (slower * _EVALUATION * _BETTER)
        ),
    }


def _milliseconds(seconds: float) -> Range:
    return Range(1e3 * seconds * _BETTER, 1e3 * seconds * _WORSE)
