-- What `cem archive` writes: tables of the schema `cem`. Nobody but the archive reads them; analysts have the views of
-- the schema `history` (003 and up). Partitioned by month of event time, in UTC.

CREATE SCHEMA history;  -- `cem` is there: the migrations themselves are written down in it

-- Where the archive goes on, by partition of a topic: written in the transaction that writes the rows. `epoch` is the
-- fence: who takes a partition over raises it, and who holds an older one is refused.
CREATE TABLE cem.position (
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    next_offset bigint      NOT NULL DEFAULT 0,
    epoch       bigint      NOT NULL DEFAULT 0,
    owner       text        NOT NULL DEFAULT '',
    clock       timestamptz,            -- the newest tick: the stream clock
    written_at  timestamptz,            -- wall clock, for operators only
    PRIMARY KEY (topic, partition)
);

-- The directory as of now. `region_id`, `brand_id` and what is confidential are worked out by cem.place_units().
CREATE TABLE cem.unit (
    unit_id          text NOT NULL PRIMARY KEY,
    name             text NOT NULL,
    kind             text NOT NULL,
    industry         text NOT NULL,
    parent_id        text,
    time_zone        text NOT NULL,
    own_confidential text[] NOT NULL DEFAULT '{}',
    removed          boolean NOT NULL DEFAULT false,
    region_id        text,
    brand_id         text,
    confidential     text[] NOT NULL DEFAULT '{}'
);

-- One row for each insight of a unit, as it stands: an edit replaces, a delete marks, an erasure takes away who wrote
-- it and where its text is. No text. The row stays in the month in which its post was written.
CREATE TABLE cem.insight (
    event_time         timestamptz NOT NULL,
    hour               timestamptz NOT NULL,
    day                date        NOT NULL,
    log_partition      integer     NOT NULL,
    log_offset         bigint      NOT NULL,
    followers          bigint,
    reposts            bigint,
    first_answer_ms    bigint,
    edited_at          timestamptz,
    deleted_at         timestamptz,
    erased_at          timestamptz,
    compound           real,
    confidence         real,
    rating             real,
    suspicion          real        NOT NULL DEFAULT 0,
    routing_confidence real        NOT NULL,
    nps                smallint,
    csat               smallint,
    ces                smallint,
    abstained          boolean     NOT NULL DEFAULT false,
    contact_consent    boolean     NOT NULL DEFAULT false,
    confidential       boolean     NOT NULL DEFAULT false,  -- a severe cause that is for head office only
    id                 text        NOT NULL,
    unit_id            text        NOT NULL,
    kind               text        NOT NULL,
    channel            text        NOT NULL,
    label              text,
    model              text,
    language           text,
    emotion            text        NOT NULL,
    journey_stage      text,
    touchpoint         text,
    author             text,
    thread             text,
    text_ref           text,
    fingerprint        text,
    routing_rule       text        NOT NULL,
    customer_ref       text,
    aspects            text[]      NOT NULL DEFAULT '{}',
    departments        text[]      NOT NULL DEFAULT '{}',
    polarities         real[]      NOT NULL DEFAULT '{}',
    severe             text[]      NOT NULL DEFAULT '{}',
    suspicion_reasons  text[]      NOT NULL DEFAULT '{}',
    PRIMARY KEY (id, unit_id, hour)
) PARTITION BY RANGE (hour);

CREATE INDEX insight_unit_hour ON cem.insight (unit_id, hour);
CREATE INDEX insight_severe ON cem.insight (unit_id) WHERE severe <> '{}';

-- One row for each record of an alert: the columns that views use, and all of it as `payload`.
CREATE TABLE cem.alert (
    alert_id        text        NOT NULL,
    sequence        integer     NOT NULL,
    detected_at     timestamptz NOT NULL,
    hour            timestamptz NOT NULL,
    day             date        NOT NULL,
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz,
    change          text        NOT NULL,
    status          text        NOT NULL,
    state           text        NOT NULL,
    severity        smallint    NOT NULL,
    severity_label  text        NOT NULL,
    alertname       text        NOT NULL,
    unit_id         text        NOT NULL,
    department      text,
    aspect          text,
    journey_stage   text,
    addressed_to    text,
    actor           text,
    action_id       text,
    summary         text        NOT NULL,
    acknowledge_by  timestamptz,
    answer_by       timestamptz,
    resolve_by      timestamptz,
    missed          text[]      NOT NULL DEFAULT '{}',
    reposts         bigint      NOT NULL DEFAULT 0,
    reach           bigint      NOT NULL DEFAULT 0,
    forecast        bigint,
    forecast_low    bigint,
    forecast_high   bigint,
    supercritical   boolean,
    observed        bigint      NOT NULL DEFAULT 0,
    expected        double precision,
    evidence        text[]      NOT NULL DEFAULT '{}',
    log_partition   integer     NOT NULL,
    log_offset      bigint      NOT NULL,
    payload         jsonb       NOT NULL,
    PRIMARY KEY (alert_id, sequence, hour)
) PARTITION BY RANGE (hour);

CREATE INDEX alert_unit_hour ON cem.alert (unit_id, hour);
CREATE INDEX alert_evidence ON cem.alert USING gin (evidence);

-- Each alert once: its newest record, and when what was done for the first time. Follows from cem.alert in any order.
CREATE TABLE cem.alert_now (
    alert_id        text        NOT NULL PRIMARY KEY,
    sequence        integer     NOT NULL,
    opened_at       timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL,
    acknowledged_at timestamptz,
    answered_at     timestamptz,
    resolved_at     timestamptz,
    dismissed_at    timestamptz,
    quiet_at        timestamptz,
    reopened        integer     NOT NULL DEFAULT 0,
    escalated       integer     NOT NULL DEFAULT 0,
    confidential    boolean     NOT NULL,
    unit_id         text        NOT NULL,
    detected_at     timestamptz NOT NULL,
    hour            timestamptz NOT NULL   -- with sequence, the key of the newest record in cem.alert
);

CREATE INDEX alert_now_unit ON cem.alert_now (unit_id, opened_at);
CREATE INDEX alert_now_opened ON cem.alert_now (opened_at);

-- The history of cases. `number` 0 is no link of a chain, so where the record stood is a part of the key.
CREATE TABLE cem.case_entry (
    alert_id        text        NOT NULL,
    number          integer     NOT NULL,
    log_partition   integer     NOT NULL,
    log_offset      bigint      NOT NULL,
    event_time      timestamptz NOT NULL,
    hour            timestamptz NOT NULL,
    day             date        NOT NULL,
    sequence        integer     NOT NULL,
    unit_id         text        NOT NULL,
    addressed_to    text,
    change          text,
    action          text,
    action_id       text,
    actor           text,
    accepted        boolean     NOT NULL,
    reason          text        NOT NULL,
    status          text,
    state           text,
    severity        smallint,
    department      text,
    note_ref        text,
    we_did_ref      text,
    resolution_code text,
    dismissal_code  text,
    assignee        text,
    to_unit         text,
    to_department   text,
    until           timestamptz,
    duty            text,
    level           integer,
    hash            text        NOT NULL DEFAULT '',
    PRIMARY KEY (alert_id, number, log_partition, log_offset, hour)
) PARTITION BY RANGE (hour);

CREATE INDEX case_entry_unit_hour ON cem.case_entry (unit_id, hour);

-- What was erased, so that what comes later, or from a topic that is behind, is not known again either.
CREATE TABLE cem.erased (
    insight_id text        NOT NULL PRIMARY KEY,
    erased_at  timestamptz NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);

-- Rows of months that have no partition.
CREATE TABLE cem.insight_default PARTITION OF cem.insight DEFAULT;
CREATE TABLE cem.alert_default PARTITION OF cem.alert DEFAULT;
CREATE TABLE cem.case_entry_default PARTITION OF cem.case_entry DEFAULT;
