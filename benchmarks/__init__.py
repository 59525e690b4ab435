"""How much faster, cheaper and leaner aiotofupilot is than the other ways to list, on this machine.

    python -m benchmarks            every question, in some 25 minutes; keeps what documents show
    python -m benchmarks cpu walks  only these questions; keeps nothing
    python -m benchmarks --rounds 1 every question, to see that it works; keeps nothing

The data are made up. There are several kinds: procedures that share a few creators and repositories, procedures whose
creators and repositories are all new, runs with everything that can be nested in one, and measurements with validators.

Server and client are separate processes. Every figure is the median of interleaved runs. Every comparison is the median
of ratios of two runs that were neighbours in time. So a machine that is slow for a while is slow for both.
"""
