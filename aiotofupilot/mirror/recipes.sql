-- What a quality engineer asks of a mirror. SQL.md beside this file has the definitions.
-- Each statement begins with CREATE at the beginning of a line, and stands after those that it uses.

-- A time without an offset is in UTC, whatever the TimeZone of the connection is. An offset follows the first colon.
CREATE OR REPLACE MACRO tofupilot.utc(instant) AS
    CASE WHEN regexp_matches(instant::VARCHAR, ':.*[-+a-zA-Z]') THEN instant::TIMESTAMPTZ
        ELSE instant::TIMESTAMP AT TIME ZONE 'UTC' END;

-- A rename is in all rows that were read after it, so the newest name is that of the row that was read last.
CREATE OR REPLACE MACRO tofupilot.production_runs(since := NULL, until := NULL) AS TABLE
    SELECT * FROM (
        SELECT
            *,
            first_value(procedure__name) OVER (
                PARTITION BY procedure__id ORDER BY _seen_at DESC, started_at DESC, id DESC
            ) AS procedure,
            first_value(created_by_station__name) OVER (
                PARTITION BY created_by_station__id ORDER BY _seen_at DESC, started_at DESC, id DESC
            ) AS station,
            row_number() OVER (
                PARTITION BY procedure__id, unit__id, unit__sample ORDER BY started_at, id
            ) = 1 AS is_first_run
        FROM tofupilot.runs
    )
    WHERE unit__sample IS NULL
        AND (since IS NULL OR started_at >= tofupilot.utc(since))
        AND (until IS NULL OR started_at < tofupilot.utc(until));

CREATE OR REPLACE MACRO tofupilot.first_pass_yield(since := NULL, until := NULL) AS TABLE
    SELECT
        procedure__id AS procedure_id,
        procedure,
        count(*) AS units,
        count(*) FILTER (outcome = 'PASS') AS passed,
        avg((outcome = 'PASS')::DOUBLE) AS first_pass_yield
    FROM tofupilot.production_runs(since := since, until := until)
    WHERE is_first_run
    GROUP BY procedure__id, procedure
    ORDER BY procedure, procedure_id;

-- Each tested unit once for each procedure: its first run, and what came of it. Parts, revisions and batches have the
-- number that was read last, as procedures and stations have their name.
CREATE OR REPLACE VIEW tofupilot.tested_units AS
    SELECT
        procedure__id AS procedure_id,
        procedure,
        unit__id AS unit_id,
        unit__serial_number AS serial_number,
        started_at,
        (started_at AT TIME ZONE 'UTC')::DATE AS day,
        date_trunc('week', started_at AT TIME ZONE 'UTC')::DATE AS week,
        created_by_station__id AS station_id,
        station,
        unit__part__id AS part_id,
        first_value(unit__part__number) OVER (
            PARTITION BY unit__part__id ORDER BY _seen_at DESC, started_at DESC, id DESC
        ) AS part,
        unit__part__revision__id AS revision_id,
        first_value(unit__part__revision__number) OVER (
            PARTITION BY unit__part__revision__id ORDER BY _seen_at DESC, started_at DESC, id DESC
        ) AS revision,
        unit__batch__id AS batch_id,
        first_value(unit__batch__number) OVER (
            PARTITION BY unit__batch__id ORDER BY _seen_at DESC, started_at DESC, id DESC
        ) AS batch,
        outcome = 'PASS' AS passed_first,
        last_value(outcome) OVER all_runs = 'PASS' AS passed_finally,
        count(*) OVER all_runs AS runs
    FROM tofupilot.production_runs()
    WINDOW all_runs AS (
        PARTITION BY procedure__id, unit__id ORDER BY started_at, id
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
    QUALIFY is_first_run;

CREATE OR REPLACE MACRO tofupilot.yields(passed_first, passed_finally, runs) AS {
    'units': count(*),
    'passed': count(*) FILTER (passed_first),
    'first_pass_yield': avg(passed_first::INTEGER),
    'final_yield': avg(passed_finally::INTEGER),
    'retest_rate': avg((runs > 1)::INTEGER)
};

CREATE OR REPLACE VIEW tofupilot.yield_by_procedure AS
    SELECT procedure_id, procedure, unnest(tofupilot.yields(passed_first, passed_finally, runs))
    FROM tofupilot.tested_units
    GROUP BY procedure_id, procedure;

CREATE OR REPLACE VIEW tofupilot.yield_by_day AS
    SELECT procedure_id, procedure, day, unnest(tofupilot.yields(passed_first, passed_finally, runs))
    FROM tofupilot.tested_units
    GROUP BY procedure_id, procedure, day;

CREATE OR REPLACE VIEW tofupilot.yield_by_week AS
    SELECT procedure_id, procedure, week, unnest(tofupilot.yields(passed_first, passed_finally, runs))
    FROM tofupilot.tested_units
    GROUP BY procedure_id, procedure, week;

CREATE OR REPLACE VIEW tofupilot.yield_by_station AS
    SELECT procedure_id, procedure, station_id, station, unnest(tofupilot.yields(passed_first, passed_finally, runs))
    FROM tofupilot.tested_units
    GROUP BY procedure_id, procedure, station_id, station;

CREATE OR REPLACE VIEW tofupilot.yield_by_part AS
    SELECT procedure_id, procedure, part_id, part, unnest(tofupilot.yields(passed_first, passed_finally, runs))
    FROM tofupilot.tested_units
    GROUP BY procedure_id, procedure, part_id, part;

CREATE OR REPLACE VIEW tofupilot.yield_by_revision AS
    SELECT procedure_id, procedure, part_id, part, revision_id, revision, unnest(tofupilot.yields(passed_first, passed_finally, runs))
    FROM tofupilot.tested_units
    GROUP BY procedure_id, procedure, part_id, part, revision_id, revision;

CREATE OR REPLACE VIEW tofupilot.yield_by_batch AS
    SELECT procedure_id, procedure, batch_id, batch, unnest(tofupilot.yields(passed_first, passed_finally, runs))
    FROM tofupilot.tested_units
    GROUP BY procedure_id, procedure, batch_id, batch;

CREATE OR REPLACE MACRO tofupilot.failures_by_station(since := NULL, until := NULL) AS TABLE
    SELECT
        created_by_station__id AS station_id,
        station,
        count(*) AS runs,
        count(*) FILTER (outcome = 'FAIL') AS failed,
        count(*) FILTER (outcome NOT IN ('PASS', 'FAIL')) AS unfinished,
        avg((outcome <> 'PASS')::DOUBLE) AS failure_rate
    FROM tofupilot.production_runs(since := since, until := until)
    GROUP BY created_by_station__id, station
    ORDER BY failure_rate DESC, station NULLS LAST, station_id;

CREATE OR REPLACE MACRO tofupilot.production_measurements(
    since := NULL, until := NULL, first_runs_only := true
) AS TABLE
    SELECT
        runs.procedure__id AS procedure_id,
        runs.procedure,
        runs.created_by_station__id AS station_id,
        runs.station,
        coalesce(measurements.started_at, runs.started_at) AS measured_at,
        measurements.*
    FROM tofupilot.measurements AS measurements
    JOIN tofupilot.production_runs(since := since, until := until) AS runs ON runs.id = measurements.run_id
    WHERE measurements.is_final_attempt AND (runs.is_first_run OR NOT first_runs_only);

-- d2 of two values is 1.128. The deviation is 0 if all values are equal, whatever their mean is rounded to. It is not
-- stddev_samp, which ends the query if a value is as large as what some meters send for an overflow.
CREATE OR REPLACE MACRO tofupilot.capability(
    since := NULL, until := NULL, first_runs_only := true, at_least := 25, by_station := false
) AS TABLE
    WITH checks AS (
        SELECT
            validators,
            unnest(
                from_json(validators, '[{"operator":"VARCHAR","expected_value":"JSON","is_decisive":"BOOLEAN"}]'),
                recursive := true
            )
        FROM (SELECT DISTINCT validators FROM tofupilot.measurements WHERE value IS NOT NULL)
    ),
    bounds AS (
        SELECT
            validators,
            operator,
            TRY_CAST(expected_value ->> (CASE operator WHEN 'range' THEN '$[0]' ELSE '$' END) AS DOUBLE) AS low,
            TRY_CAST(expected_value ->> (CASE operator WHEN 'range' THEN '$[1]' ELSE '$' END) AS DOUBLE) AS high
        FROM checks
        WHERE is_decisive IS DISTINCT FROM false
    ),
    limits AS (
        SELECT
            validators,
            max(low) FILTER (operator IN ('>', '>=', 'range')) AS lower_limit,
            min(high) FILTER (operator IN ('<', '<=', 'range')) AS upper_limit
        FROM bounds
        GROUP BY validators
    ),
    measured AS (
        SELECT
            * REPLACE (
                CASE WHEN by_station THEN station_id END AS station_id, CASE WHEN by_station THEN station END AS station
            ),
            avg(value) OVER one_measurement AS average,
            abs(value - lag(value) OVER (one_measurement ORDER BY measured_at, run_id, id)) AS moving_range
        FROM tofupilot.production_measurements(since := since, until := until, first_runs_only := first_runs_only)
        JOIN limits USING (validators)
        WHERE value IS NOT NULL AND (lower_limit IS NOT NULL OR upper_limit IS NOT NULL)
        WINDOW one_measurement AS (
            PARTITION BY
                procedure_id, phase_name, measurement_name, units, lower_limit, upper_limit,
                CASE WHEN by_station THEN station_id END
        )
    ),
    described AS (
        SELECT
            procedure_id, procedure, station_id, station,
            phase_name, measurement_name, units, lower_limit, upper_limit,
            count(*) AS measured,
            any_value(average) AS mean,
            avg(moving_range) / 1.128 AS sigma_within,
            CASE WHEN min(value) = max(value) THEN 0
                ELSE sqrt(sum((value - average) * (value - average)) / (count(*) - 1)) END AS sigma_overall
        FROM measured
        GROUP BY
            procedure_id, procedure, station_id, station,
            phase_name, measurement_name, units, lower_limit, upper_limit
        HAVING count(*) >= at_least
    )
    SELECT
        *,
        least(upper_limit - mean, mean - lower_limit) / (3 * nullif(sigma_within, 0)) AS cpk,
        least(upper_limit - mean, mean - lower_limit) / (3 * nullif(sigma_overall, 0)) AS ppk
    FROM described
    ORDER BY
        cpk NULLS LAST, procedure, phase_name, measurement_name, lower_limit, upper_limit, procedure_id, station_id;

CREATE OR REPLACE VIEW tofupilot.capability_by_measurement AS
    SELECT * EXCLUDE (station_id, station) FROM tofupilot.capability();

CREATE OR REPLACE VIEW tofupilot.capability_by_station AS
    FROM tofupilot.capability(by_station := true);

CREATE OR REPLACE MACRO tofupilot.failing_measurements(
    since := NULL, until := NULL, procedure_id := NULL, first_runs_only := true
) AS TABLE
    WITH failing AS (
        SELECT measured.procedure_id, procedure, phase_name, measurement_name, count(*) AS failures
        FROM tofupilot.production_measurements(
            since := since, until := until, first_runs_only := first_runs_only
        ) AS measured
        WHERE measurement_outcome = 'FAIL' AND (procedure_id IS NULL OR measured.procedure_id = procedure_id)
        GROUP BY measured.procedure_id, procedure, phase_name, measurement_name
    )
    SELECT
        *,
        failures / sum(failures::DOUBLE) OVER () AS share,
        sum(failures::DOUBLE) OVER most_first / sum(failures::DOUBLE) OVER () AS cumulative_share
    FROM failing
    WINDOW most_first AS (
        ORDER BY failures DESC, procedure, phase_name, measurement_name, failing.procedure_id
    )
    ORDER BY failures DESC, procedure, phase_name, measurement_name, failing.procedure_id;
