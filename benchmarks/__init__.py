"""How much faster, cheaper and leaner aiotofupilot is than the other ways to list, on this machine.

    python -m benchmarks            every question, in some twenty minutes; writes benchmarks/results/
    python -m benchmarks cpu walks  these questions alone; writes nothing
    python -m benchmarks --rounds 1 everything, to see that it works; writes nothing

The data are made up, and of several kinds: procedures of few creators and repositories, procedures where each creator
and repository is new, runs with everything that can be nested in one, and measurements with validators.

Server and client are separate processes. Every figure is the median of interleaved runs, and every comparison the
median of ratios of two runs that were neighbours in time, so that a machine that is slow for a while is slow for both.
"""
