"""How much faster, cheaper and leaner aiotofupilot is than the other ways to list procedures, on this machine.

    python -m benchmarks            every question, in a quarter of an hour; writes benchmarks/results/
    python -m benchmarks cpu walks  these questions alone; writes nothing
    python -m benchmarks --rounds 1 everything, to see that it works; writes nothing

Server and client are separate processes. Every figure is the median of interleaved runs, and every comparison the
median of ratios of two runs that were neighbours in time, so that a machine that is slow for a while is slow for both.
"""
