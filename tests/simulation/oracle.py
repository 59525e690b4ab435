"""What has to hold: what came, what it cost, and what is left in the end."""

import json
import math
from collections import Counter
from datetime import timedelta

from simulation.database import ODD_FILTERS, TIMES, time_of

from aiotofupilot.cli.check import EXACT, WRONG, verdict

MANNERS = {"jitter", "tiny", "shuffle", "spans", "debug", "echo"}
HARMLESS = MANNERS | {"slow", "together", "limiter", "skew"}
"""With nothing else in the way, every request is known beforehand."""

COUNT = 15
"""Requests that count 600 items at most, on pages of 20: an end is looked for, and then pages from there."""


DEEPEST = 2500
"""The largest cursor of a walk by value, beside what is in flight. Before it comes there, it asks by value again."""

ANEW = 250
"""A walk goes on by value after some 900 items, and then again and again, never after fewer than these."""


def pages_of(items, limit, overlap):
    """Return how many pages a listing has."""
    return 1 + max(0, math.ceil((items - limit) / (limit - overlap)))


def most_pages(program, items):
    """Return how many pages a walk of a still listing takes at most.

    They overlap by the last items of one time and one item before it. A page of three or less may have one that is new.
    """
    limit = max(2, program.limit)
    if program.on_drift == "ignore":
        return pages_of(items, limit, 0)
    if limit <= 3:
        return 2 * items + 2
    return pages_of(items, limit, 2) * (2 if program.line.longest > 1 else 1)


def width_after(pages, concurrency):
    """Return how many pages may be in flight after so many came as expected: at most 7 up to the fifth."""
    width = 1
    for page in range(1, pages + 1):
        width = min(7, max(width + 1, concurrency // 6)) if page < 6 else 2 * width
    return min(concurrency, width)


def ideal(pages, concurrency, latency):
    """Return how long a walk of so many pages takes, if each page takes as long."""
    came = [latency]
    while len(came) < pages:
        page = len(came)
        before = next(before for before in range(page) if page <= before + width_after(before + 1, concurrency))
        came.append(max(came[-1], came[before] + latency))
    return came[-1]


def is_still(program):
    """Return whether nothing came or went, and the server lists as it should."""
    return not program.world.on & {"moving", "odd", "orders", "filters", "caps", "nulls"}


def goes_by_value(program):
    """Return whether a program asks for what is before or after a time where a cursor does not do."""
    return type(program).__name__ in {"Walking", "Detailing", "Catching", "Following"} and (
        program.on_drift in {None, "resync"} and not program.sort_by and program.line.kind in TIMES
    )


def cannot_promise(program):
    """Return whether an item may be missed or come twice, after a warning.

    There are four reasons. A listing has no order. Its filter is ignored, is about days that are longer than a cap is
    deep, or finds no items without a time, so that nothing leads beyond the cap. A walk went on at a bare cursor beyond
    a cap. Or no page can show all items of one time, and they come and go, have no order, or stand beside one that
    cannot be read.
    """
    database = program.line.database
    is_long = cannot_be_shown_whole(program) and bool(program.world.on & {"orders", "moving", "unreadable"})
    is_capped = database.cap is not None and is_resumed_at_cursor(program)
    return database.is_unsorted or database.leads_nowhere or is_long or is_capped


def cannot_be_shown_whole(program):
    """Return whether items of one time do not fit on a page.

    There are too many of them, which no other order tells apart, or one of them may be an item that cannot be read,
    whose time nobody knows, and no page that has it can be read.
    """
    line, on = program.line, program.world.on
    is_torn = bool(line.unreadable) and (line.longest > 1 or bool(on & {"ties", "orders", "moving"}))
    # No filter finds items without a time, so more of them than a page has cannot be told apart.
    is_found = line.database.filter not in ODD_FILTERS or "ties" not in on
    return line.longest >= program.limit or is_torn or "nulls" in on or not is_found


def may_warn(program):
    """Return whether a walk may warn that it cannot promise each item once, although they come."""
    on = program.world.on
    may_be_torn = {"ties", "faults"} <= on  # a good item may fail three times
    # If all items have one time, nothing shows which come first. If they are removed then, nothing shows the end.
    is_endless = program.had_one_time and program.line.changes > program.changes
    return cannot_promise(program) or "filters" in on or cannot_be_shown_whole(program) or may_be_torn or is_endless


def may_refuse(program):
    """Return whether a program may end with a `DriftError`."""
    line, on = program.line, program.world.on
    if cannot_be_shown_whole(program) and line.unreadable and program.on_drift == "resync":
        return True
    if not goes_by_value(program):  # which a count and shards do only to see whether their end is one
        return line.changes > program.changes or bool(on & {"orders", "caps"})
    if "tiny" in on and "ties" in on and line.changes > program.changes:
        return True  # items of one time may be created as fast as pages of two or three can show them
    return not program.follows and may_warn(program)


def is_resumed_at_cursor(program):
    """Return whether a program goes on at a bare cursor behind an item that cannot be read."""
    return bool(program.line.unreadable) and not getattr(program, "skips", True)


def follows_cursor(program):
    """Return whether nothing is checked, as the program says, or because the server's cursors do not allow it."""
    return program.on_drift == "ignore" or (program.follows and program.line.odd)


def only(program, *troubles):
    """Return whether nothing is in the way but this, and what changes no request."""
    return not program.world.on - HARMLESS - {*troubles}


def judge_order(program, expected):
    """Each of the items came, in the order of their times, and none came twice."""
    got, what = program.got, f"{len(expected)} items"
    once, line = set(program.got), program.line
    # A walk that follows the cursor, and one that is resumed among items without an order, may meet an item again.
    is_ignoring = follows_cursor(program) and program.world.on & {"moving", "odd"}
    if not (is_ignoring and program.is_broken_off) and is_checked(program):
        program.check("no item comes twice", len(once) == len(got), what, len(got) - len(once))
    missing = [id_ for id_ in expected if id_ not in once and not is_hidden(program, id_)]
    program.check("no item is missed", not missing, what, len(missing), missing[:3])
    if not (program.sort_by or line.database.is_unsorted):
        wanted = {*expected}
        times = [time_of(line.items[id_]) for id_ in got if id_ in wanted]
        program.check("items come in order", is_sorted(times, line.database.nulls), what)


def is_hidden(program, id_):
    """Return whether unreadable items may have been shown in the place of an item, because no item of its time came."""
    items, got = program.line.items, program.got
    time, hiding = time_of(items[id_]), program.line.unreadable if "orders" in program.world.on else ()
    return time in {time_of(items[other]) for other in hiding} - {time_of(items[other]) for other in got}


def newest(line, ids, number):
    """Return the items that are among the first so many, whatever the order of those with one time is."""
    if len(ids) <= number:
        return ids
    time = time_of(line.items[ids[number]])
    return [id_ for id_ in ids[:number] if time_of(line.items[id_]) != time]


def is_sorted(times, nulls):
    """Return whether the newest time comes first. Items without a time are in their place."""
    known = [time for time in times if time is not None]
    without = [at for at, time in enumerate(times) if time is None]
    first = len(known) if nulls == "last" else 0
    return known == sorted(known, reverse=True) and without == [*range(first, first + len(without))]


def is_checked(program):
    """Return whether a program is held to each item once: it says nothing else, and the database does not hide that."""
    on, database = program.world.on, program.line.database
    if program.is_unchecked and cannot_promise(program):
        return False
    # Each page was sorted by chance, or those that were not had been requested ahead, and were dropped at the end.
    if database.is_unsorted and database.unsorted[program] < program.concurrency:
        return False
    if goes_on_after_unreadable(program):
        return False
    # Such programs look at one item of a page, or at none. They are not told of others with its time, or of a cap.
    is_simple = program.on_drift == "ignore" or program.sort_by or not goes_by_value(program)
    return not (is_simple and on & {"orders", "caps"})


def goes_on_after_unreadable(program):
    """Return whether a walk may have gone on after an item that cannot be read: at a cursor, which promises nothing."""
    skips = getattr(program, "skips", True)  # programs of other kinds skip such an item
    return bool(program.line.unreadable) and not skips and bool(program.world.on & {"ties", "orders", "filters"})


def judge_walk(program, walk):
    """Hold a walk to exactly once, and to what it may cost."""
    world, line, still = program.world, program.line, is_still(program)
    if walk is None:
        return
    if line.odd and program.on_drift == "resync":
        return
    is_exact = not follows_cursor(program) or "moving" not in world.on
    expected = line.steady(program.began) if is_exact and is_checked(program) else []
    if program.max_items is not None:
        expected = newest(line, expected, program.max_items) if still and not program.sort_by else []
    judge_order(program, expected)
    listed = all(line.seen.get(id_, (math.inf, 0))[1] >= program.began for id_ in program.got)
    program.check("nothing is made up", listed)
    if line.odd:
        world.marks.add("an odd server is listed right, or refused")
    if line.changes > program.changes and expected:
        world.marks.add("exactly once while items come and go")
        if "interrupts" in world.on:
            world.marks.add("exactly once across texts while items come and go")
    if line.unreadable and program.skips:
        program.check("what cannot be read is left out", not line.unreadable & {*program.got}, walk.stats)
        is_whole = not (program.is_broken_off or program.sort_by) and program.max_items is None
        if only(program, "unreadable", "interrupts") and is_whole:
            places = [at for at, id_ in enumerate(line.ids) if id_ in line.unreadable]
            is_named = walk.stats.unreadable_positions == places
            program.check("what is left out is named by its position", is_named, walk.stats, places)
    judge_value(program)


def judge_receipt(program, walk):
    """Hold a receipt to what came: it names that, and is exact only if each item came once."""
    line, got, once = program.line, program.got, {*program.got}
    with program.receipt.open("rb") as lines:
        code, said = verdict(lines)
        lines.seek(0)
        passed = passed_by(map(json.loads, lines))
    # Where a walk is resumed among items that came again after its warning, it goes on behind the first of them.
    is_undone = program.is_unchecked and len(once) < len(got)
    program.check("a receipt names what was yielded", is_undone or got == passed[: len(got)], len(got), len(passed))
    is_doubled = len({*passed}) < len(passed)
    # The items of a page are named before the first of them is yielded, so one may come twice that was taken back.
    may_be_wrong = is_doubled or not is_checked(program)
    program.check("a receipt is wrong only if an item came twice", code != WRONG or may_be_wrong, said)
    if code == EXACT:
        limited = "first " * (program.max_items is not None and len(got) == program.max_items)
        program.check("a receipt says how many items came", said.endswith(f"{limited}{len(got)} items"), said, len(got))
        missing = [] if limited else [id_ for id_ in line.steady(program.began) if id_ not in once]
        # Pages without an order do not show it if they happen to be sorted.
        is_exact = walk is not None and len(once) == len(got) and (not missing or line.database.is_unsorted)
        program.check("a receipt is exact only if the walk was", is_exact, said, len(got) - len(once), missing[:3])
    is_by_value = goes_by_value(program) and not line.database.is_unsorted
    if is_by_value and walk is not None and not (program.is_unchecked or line.unreadable or line.odd):
        most = max(Counter(map(time_of, line.items.values())).values(), default=0)
        is_due = most < program.limit and not program.world.on & {"filters", "nulls", "caps"}
        program.check("a receipt is exact if the walk was", code == EXACT or not is_due, said)


def passed_by(lines):
    """Return the items that were yielded and not withdrawn, as a receipt names them."""
    passed = []
    for line in lines:
        if line["line"] == "resume":
            del passed[line["count"] :]
        passed += line.get("yielded", ())
    return passed


def judge_value(program):
    """Hold a walk by value to where it looks, and how often."""
    world, line = program.world, program.line
    is_late = [id_ for id_, (seen, _) in line.seen.items() if seen > program.began and line.is_late_commit(id_)]
    if is_late:
        world.marks.add("a walk met: late commit")
    if not goes_by_value(program) or line.database.filter == "ignored" or program.is_unchecked:
        return
    # Items without a time may end the listing, where no filter finds them. One request looks there.
    if "deep" in world.on and "nulls" not in world.on and not is_resumed_at_cursor(program):
        most = DEEPEST + program.concurrency * program.limit
        program.costs("no request of a walk by value lies deep", program.deepest, most)
    if world.on & {"faults", "outage", "pauses", "unreadable", "close", "filters", "nulls", "odd"}:
        return
    items = max(line.lengths)
    # Each piece of a walk begins with one, and a change that uncovers the position takes one, and so does another one
    # if that is uncovered too. Among equal times, any page may end within some, and takes one if the next does not
    # begin before them. The end is confirmed.
    most = 2 + 2 * program.pieces + 2 * (line.changes - program.changes) + items // ANEW
    if line.longest > 1:
        most += most_pages(program, items)
    program.costs("a walk asks by value only where it has to", program.by_value, most)


def judge_costs(program, stats, seconds):
    """Hold a walk over a listing that stands still to its requests and its time."""
    world, line, items = program.world, program.line, len(program.line.rows)
    if not is_still(program) or "interrupts" in world.on:
        return
    overlap = int(program.on_drift != "ignore")
    limit = max(2, program.limit) if overlap else program.limit
    wanted = items if program.max_items is None else min(items, program.max_items)
    if program.max_items is not None and not overlap:
        limit = max(1, min(limit, program.max_items))
    # Pages of a walk by value have at least three items, and a hundred where equal times fill them.
    fewest = pages_of(wanted, max(limit, 100 if program.at_once > 1 else 3) if overlap else limit, overlap)
    pages = max(pages_of(wanted, limit, overlap), most_pages(program, wanted))
    if wanted > 900:
        pages += 1 + wanted // ANEW  # an end so deep is confirmed, and none is deeper
    width = width_after(pages - 1, program.concurrency)
    beyond = width - 1 if wanted == items else 0
    most = pages + beyond
    extra = program.requests - most
    if only(program, "ties"):
        is_known = program.at_once < limit  # otherwise some pages are read again
        if is_known:
            is_fit = fewest <= program.requests <= most
            program.check("a walk costs its pages", is_fit, program.requests, (fewest, most))
        program.check("nothing is retried without a failure", stats.retries == 0, stats)
        program.check("nothing comes twice where nothing moved", stats.duplicates == 0, stats)
        was_asked = "ask" in program.universe.plots  # in vain, so that the next request may wait
        if is_known and not (world.on & {"jitter", "slow", "limiter", "together"} or was_asked):
            latency = program.server.latency
            time = ideal(pages, program.concurrency, latency) + latency * (program.at_once > 1)  # one begins late
            program.check("a walk takes its time", seconds <= time + 1e-6, seconds, time)
    elif only(program, "unreadable") and program.errors == 0:
        bad = len(line.unreadable)
        # Beside the halves, the item alone and controls are 7. Where pages overlap, the item and both its sides are
        # looked at again.
        # What was requested ahead is dropped, also if it has come.
        extra -= stats.retries
        most = math.ceil(math.log2(limit)) + 7 + 9 * overlap + width - 1
        # If it is the second item, no part shows that cursors are offsets. A request behind it does, or two requests in
        # a listing of at most four.
        if any(item.id in line.unreadable for item in line.rows[1:2]):
            most += 1 + (items <= 4)
        most += 2 * (bad > 1)  # a control may be another of them, and is requested again if the session is down
        most += program.max_items is not None  # what is left out does not count, so one item more is wanted
        program.costs("an unreadable item costs few requests", extra, most * bad, stats)
    elif only(program, "faults") and not program.slow:
        program.costs("a fault costs one request", extra, program.failures)


def judge_drift(program, stats):
    """Hold the search for the position to its requests."""
    if not only(program, "moving") or program.on_drift not in {None, "resync"} or program.max_items is not None:
        return
    pages = most_pages(program, max(program.line.lengths))
    # At the end, and where it has moved, what was requested ahead is dropped.
    # Three requests find the position. Pages of two items take five.
    ahead = (1 + stats.resyncs) * width_after(pages, program.concurrency)
    most = pages + ahead + (3 if program.limit > 2 else 5) * stats.resyncs
    program.costs("a listing that moves costs few requests", program.requests, most, stats)


def judge_pages(program):
    if program.line.changes == program.changes and not program.line.unreadable:
        judge_order(program, program.line.ids if is_checked(program) else [])


def judge_details(program, walk):
    if walk is None:
        return
    items = len(program.line.rows)
    if is_still(program) and only(program, "ties"):
        extra = program.requests - items - pages_of(items, 100, 1)  # pages get that long among many of one time
        program.check("details cost a request each", extra >= 0, extra)
        extra -= most_pages(program, items) - pages_of(items, 100, 1)
        # Pages beyond the end are requested for nothing, and so are details in flight that are longer than expected.
        program.costs("details cost a request each", extra, program.concurrency)
    if only(program, "moving", "ties"):
        # A 404 may be that of a replica that lags, so the item is asked for again after 1, 2 and 4 s.
        program.costs("details are asked for four times at most", max(program.looks.values(), default=0), 4)
    # As many may be requested while those at hand are taken.
    program.costs("no more details wait than allowed", program.most_held, 2 * program.concurrency)


def judge_since(program, walk, requests):
    if walk is None:
        return
    line, got = program.line, program.got
    once = set(got)
    expected = line.ids if is_checked(program) else []
    missing = [id_ for id_ in expected if id_ not in once and id_ not in line.unreadable]
    if not (cannot_promise(program) and program.is_unchecked):
        program.check("over all passes each item comes", not missing, len(missing), missing[:3])
    program.check("over all passes no item comes twice", len(once) == len(got), len(got) - len(once))
    if is_still(program) and line.kind == "procedures" and not line.unreadable:  # the API cannot sort them
        times = [time_of(line.items[id_]) for id_ in got]
        program.check("a pass holds nothing back", {*got} >= {*line.ids} and is_sorted(times, None), got[:3])
    if only(program, "moving", "ties") and program.at_once < program.limit:
        program.costs("a pass costs its pages", requests, program.pass_costs, line.kind)
    if only(program, "moving", "ties") and "slow" not in program.world.on:  # ten minutes later, it lists nothing
        least = len(line.rows) if line.kind == "parts" else int(bool(line.rows))  # the newest item, or its run
        known = walk.stats.duplicates
        program.check("a pass counts what it lists again", known >= least, known, least)


def listed_again(program):
    """Return how many items a pass over what is new lists again.

    These are the items of the minute before now, or before the newest one if that is older. Of parts, which have no
    filter by time, it lists all, and so does a stream of procedures that begins. Of logs, it lists the runs then.
    """
    line, world = program.line, program.world
    rows = line.sandbox.runs if line.kind == "logs" else line.rows
    now = world.begins + timedelta(seconds=world.now + min(world.local_off, world.server_off))
    floor = min([now, *map(time_of, rows[:1])]) - timedelta(seconds=62)
    return sum(line.kind in {"procedures", "parts"} or time_of(item) >= floor for item in rows)


def pass_costs(program, items):
    """Return how many requests a pass over what is new takes at most that lists so many items, or runs of logs.

    Of logs, it also lists all that these runs wrote.
    """
    line = program.line
    pages = most_pages(program, items)
    of_runs = most_pages(program, len(line.rows)) if line.kind == "logs" else 0
    ahead = width_after(pages + of_runs - 1, program.concurrency) - 1
    return pages + of_runs + ahead


def judge_follow(program, begun, ended, interval, requests):
    line, world = program.line, program.world
    once = set(program.got)
    program.check("a stream yields nothing twice", len(once) == len(program.got), len(program.got) - len(once))
    if line.odd or program.errors:
        return
    # One that works on an item for 20 s may have no time for the items after it. With pages of two items, each request
    # brings one, and a listing that moves may grow as fast.
    is_slow = "moving" in world.on and program.limit == 2
    if not is_slow and not world.on - (HARMLESS - {"slow"}) - {"moving", "ties", "interrupts"}:
        first = program.began if program.backlog is not None else begun + interval + 1.0
        due = [id_ for id_ in line.ids if first < line.seen[id_][0] < ended - 3 * interval - 2.0]
        missing = [id_ for id_ in due if id_ not in once]
        program.check("a stream yields all that is created", not missing, len(missing), len(due), missing[:3])
    if only(program, "moving", "ties"):
        polls = (ended - begun) / (0.9 * interval) + 2 * program.pieces
        # Each poll lists what the first one lists, or the last one, and at most all that has been created between.
        created = sum(seen >= begun for seen, _ in line.seen.values())
        most = pass_costs(program, max(program.again, listed_again(program)) + created)
        program.costs("a poll costs its pages", requests, polls * most, line.kind, interval)
    if not (line.late or line.odd) and "ties" not in world.on:
        times = [time_of(line.items[id_]) for id_ in program.got[program.backlog or 0 :]]
        program.check("a stream yields the oldest first", times == sorted(times), times)
    if program.backlog is None:
        early = [id_ for id_ in once if line.seen[id_][0] < program.began]
        is_begun = not early or cannot_promise(program)  # one page may not show all items of the newest time
        program.check("a stream without a watermark begins now", is_begun, len(early))


def judge_count(program, number, requests):
    line, lengths = program.line, program.line.lengths
    if not (line.odd or line.database.leads_nowhere):
        # Beyond a cap, a walk counts. It may lack what was created meanwhile, and what was removed.
        fewest = len(line.steady(program.began)) if "caps" in program.world.on else min(lengths)
        program.check("a count is a length that the listing had", fewest <= number <= max(lengths), number)
    if only(program, "ties", "unreadable"):
        program.costs("a count costs few requests", requests, COUNT)


def judge_shards(program):
    if not (program.line.odd or (program.warnings and cannot_promise(program))):
        once = set(program.got)
        program.check("no item comes twice", len(once) == len(program.got), len(program.got) - len(once))
        missing = set(program.line.steady(program.began)) - set(program.got)
        program.check("shards hold each item", not missing, len(missing))
    if is_still(program) and only(program, "ties", "together"):
        # Where the API does not sort, two pages for each shard show how the times are distributed.
        program.costs("shards cost a count and two requests each", program.cut_for, COUNT + 2 * program.parts)


def judge_downloads(program, found, folder, requests):
    addresses = sum(one.download_url is not None for one in found)
    if only(program, "moving", "ties"):  # where there is no address yet, only that is requested
        program.costs("a file costs a request and its address", requests, len(found) + addresses)
    left = [path for path in folder.rglob("*") if ".part" in path.name] if folder.exists() else []
    if not program.errors:
        program.check("no part of a file is left", not left, left)


def probes_of(seconds):
    """Return how many requests an outage may see, beside those that were in flight.

    The wait before the next one is drawn from 0 to the seconds since it began, and at least to half a second. So there
    are two at first, and then one each time when it has lasted half as long again. Few of them have bad luck.
    """
    return 6 + 2.5 * math.log2(2 * seconds)


def judge_draws(universe):
    """Each wait is drawn from 0 to the policy's bound: after attempt n of a page, or so long after an outage began.

    Polls are drawn around their interval, so that many clients do not ask in step.
    """
    world = universe.world
    of_attempts = {min(30.0, 0.5 * 2.0**nth) for nth in range(10)}
    failed = [one.ended for one in universe.way.sent if one.has_failed]
    for at, low, high, _ in world.clock.draws:
        lasts = {min(30.0, max(0.5, at - ended)) for ended in failed if ended <= at}
        is_wait = low == 0.0 and (high in of_attempts or any(abs(high - most) < 1e-6 for most in lasts))
        world.check("each wait is drawn as the policy says", is_wait or (low, high) == (0.9, 1.1), at, low, high)


def judge_spans(universe, telemetry):
    """Hold the spans of walks to what was requested: each retry of a walk is an event of its span."""
    world, spans = universe.world, telemetry.walks
    told = [f"{span.name} {span.attributes} {[event.attributes for event in span.events]}" for span in spans]
    attempts = [
        event.attributes["tofupilot.attempt"] for span in spans for event in span.events if event.name == "retry"
    ]
    world.check("the number of a retry is at least two", min(attempts, default=2) >= 2, attempts)
    world.check("the key is in no span", not any(universe.line.sandbox.api_key in text for text in told), told)
    # The search for what cannot be read requests a page again on purpose.
    if {*universe.plots} == {"walk"} and not {"unreadable", "faults"} & world.on:
        repeated = [sent.limit for sent in universe.way.sent if sent.attempt > 1]
        least, most = len(repeated) - repeated.count(1), len(repeated)  # one item may be a page, or a control
        retries = sum(event.name == "retry" for span in spans for event in span.events)
        world.check("each retry is an event of its walk's span", least <= retries <= most, retries, least, most)
        world.check(
            "each span of a walk has its counts", all("tofupilot.walk.items" in span.attributes for span in spans)
        )


def judge_outage(universe, programs):
    """After an outage, everything goes on within its length, or within half a second.

    The length is what the client knew of it at the last failure. A request takes its time to fail, and a probe to work.
    """
    world, way = universe.world, universe.way
    for window in universe.server.windows:
        sent = [one for one in way.sent if one.is_of_api]
        # What programs before these had in flight was cancelled when they ended.
        meanwhile = [one for one in sent if window.begins <= one.at < window.ends and one.program in programs]
        lasts = window.ends - window.begins
        others = world.on & {"close", "interrupts", "pauses", "faults", "unreadable"}
        if not meanwhile or window.kind == "hang" or others:
            continue
        was_reached = any(one.status is not None and one.ended <= window.begins for one in sent)
        if was_reached:
            most = sum(program.concurrency for program in programs) + probes_of(lasts)
            world.costs("an outage costs what was in flight and a request per wait", len(meanwhile), most, lasts)
        failed = [one for one in sent if one.has_failed and one.ended >= window.begins]
        good = [one for one in sent if one.status == 200 and one.at >= window.begins and one.ended >= window.ends]
        # Before the first response, a request is given up soon, and its program decides when it tries again.
        if failed and good and was_reached and world.on <= MANNERS | {"outage", "together", "moving", "ties"}:
            failed_at = max((one.ended for one in failed if one.ended <= good[0].at), default=window.ends)
            # Nobody may have noticed that the server was up between the outage before and this one.
            before = [one for one in sent if one.ended <= window.begins]
            good_at = max((one.ended for one in before if one.status and not one.is_about_server), default=-math.inf)
            began = min([window.begins, *(one.ended for one in before if one.ended > good_at)])
            waited, most = good[0].at - failed_at, max(0.5, failed_at - began)
            world.check("after an outage it goes on within its length", waited <= most + 1e-6, waited, most)
