"""Where a listing goes and how it looks there.

`destinations` are standard output, a device, or one of the `files`. These keep a `journal` for another run to resume,
and `likeness` says whether that run would write the same. `streams` and `descriptors` are what destinations are made
of, and `unbuffered` writes past Python's buffers. `formats`, the `table` and `parquet` are how items are written, by
`format_choice`. `terminal` says what a terminal is and may be shown. `progress_display` shows the `progress`, as a
`bar` where somebody watches.
"""
