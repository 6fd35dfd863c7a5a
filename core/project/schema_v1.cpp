// SPDX-License-Identifier: Apache-2.0
#include "core/project/schema_v1.h"

namespace paretoscope::core {

// Long strings that many rows share (protocol ids, module names, builds) stand once in a table of their own: a project
// of 10,000 trials with 12 metrics stays small enough to be read whole when the window opens.
const std::string_view kSchemaV1 = R"sql(
CREATE TABLE project (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    uuid TEXT NOT NULL,
    created_utc TEXT NOT NULL,
    created_by TEXT NOT NULL,
    requires TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,
    title TEXT NOT NULL DEFAULT '',
    settings TEXT
) STRICT;

CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    path TEXT NOT NULL DEFAULT '',
    sha256 TEXT NOT NULL DEFAULT '',
    tokenizer_sha256 TEXT NOT NULL DEFAULT '',
    parameters INTEGER NOT NULL DEFAULT 0,
    stored_bytes INTEGER NOT NULL DEFAULT 0,
    description TEXT,
    UNIQUE (name, sha256, tokenizer_sha256)
) STRICT;

CREATE TABLE data_set (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    path TEXT NOT NULL DEFAULT '',
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL DEFAULT 0,
    items INTEGER NOT NULL DEFAULT 0,
    description TEXT,
    UNIQUE (name, sha256)
) STRICT;

CREATE TABLE workload (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL DEFAULT '',
    model_id INTEGER REFERENCES model (id),
    description TEXT,
    recorded_utc TEXT NOT NULL
) STRICT;
CREATE INDEX workload_by_name ON workload (name);
CREATE INDEX workload_by_model ON workload (model_id);

CREATE TABLE workload_data_set (
    workload_id INTEGER NOT NULL REFERENCES workload (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('calibration', 'evaluation')),
    position INTEGER NOT NULL,
    data_set_id INTEGER NOT NULL REFERENCES data_set (id),
    options TEXT,
    PRIMARY KEY (workload_id, role, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX workload_data_set_by_data_set ON workload_data_set (data_set_id);

CREATE TABLE pipeline (
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    stages TEXT NOT NULL
) STRICT;

CREATE TABLE stage (
    pipeline_id INTEGER NOT NULL REFERENCES pipeline (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    plugin TEXT NOT NULL,
    version TEXT NOT NULL,
    parameters TEXT NOT NULL,
    PRIMARY KEY (pipeline_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX stage_by_plugin ON stage (plugin);

CREATE TABLE sweep (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT '',
    recorded_utc TEXT NOT NULL,
    search_state TEXT
) STRICT;
CREATE INDEX sweep_by_name ON sweep (name);

CREATE TABLE sweep_trial (
    sweep_id INTEGER NOT NULL REFERENCES sweep (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    trial_hash BLOB NOT NULL CHECK (length(trial_hash) = 32),
    PRIMARY KEY (sweep_id, position),
    UNIQUE (sweep_id, trial_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE trial (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    workload_id INTEGER REFERENCES workload (id),
    sweep_id INTEGER REFERENCES sweep (id),
    pipeline_id INTEGER NOT NULL REFERENCES pipeline (id),
    label TEXT NOT NULL,
    seed INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'interrupted')),
    attempts INTEGER NOT NULL DEFAULT 0,
    recorded_utc TEXT NOT NULL,
    deleted_utc TEXT
) STRICT;
CREATE INDEX trial_by_label ON trial (label);
CREATE INDEX trial_by_workload ON trial (workload_id);
CREATE INDEX trial_by_sweep ON trial (sweep_id);
CREATE INDEX trial_by_pipeline ON trial (pipeline_id);

CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    trial_id INTEGER NOT NULL REFERENCES trial (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('queued', 'running', 'done', 'failed', 'interrupted')),
    started_utc TEXT NOT NULL DEFAULT '',
    finished_utc TEXT NOT NULL DEFAULT '',
    seconds REAL NOT NULL DEFAULT 0,
    error_code TEXT,
    error_message TEXT,
    error_hint TEXT,
    provenance TEXT,
    UNIQUE (trial_id, number)
) STRICT;

CREATE TABLE metric (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    minimise INTEGER NOT NULL CHECK (minimise IN (0, 1)),
    protocol TEXT NOT NULL,
    device TEXT NOT NULL,
    dtype TEXT NOT NULL,
    threads INTEGER NOT NULL,
    build TEXT NOT NULL,
    UNIQUE (name, protocol, device, dtype, threads, build, unit, minimise)
) STRICT;

CREATE TABLE trial_metric (
    id INTEGER PRIMARY KEY,
    trial_id INTEGER NOT NULL REFERENCES trial (id) ON DELETE CASCADE,
    metric_id INTEGER NOT NULL REFERENCES metric (id),
    replicate INTEGER NOT NULL DEFAULT 0,
    attempt_id INTEGER REFERENCES attempt (id) ON DELETE SET NULL,
    value REAL,
    standard_error REAL,
    n INTEGER NOT NULL,
    confirmations INTEGER NOT NULL DEFAULT 0,
    details TEXT,
    UNIQUE (trial_id, metric_id, replicate)
) STRICT;
CREATE INDEX trial_metric_by_metric ON trial_metric (metric_id, replicate, trial_id, value);
CREATE INDEX trial_metric_by_attempt ON trial_metric (attempt_id);

CREATE TABLE layer_quantity (
    id INTEGER PRIMARY KEY,
    module TEXT NOT NULL,
    layer INTEGER NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (module, layer, name)
) STRICT;

CREATE TABLE layer_metric (
    trial_id INTEGER NOT NULL REFERENCES trial (id) ON DELETE CASCADE,
    quantity_id INTEGER NOT NULL REFERENCES layer_quantity (id),
    value REAL,
    PRIMARY KEY (trial_id, quantity_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifact (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    media_type TEXT NOT NULL DEFAULT '',
    bytes INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('kept', 'embedded', 'dropped')),
    recorded_utc TEXT NOT NULL,
    description TEXT
) STRICT;

CREATE TABLE artifact_chunk (
    artifact_id INTEGER NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (artifact_id, position)
) STRICT;

CREATE TABLE trial_artifact (
    trial_id INTEGER NOT NULL REFERENCES trial (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    artifact_id INTEGER NOT NULL REFERENCES artifact (id),
    PRIMARY KEY (trial_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX trial_artifact_by_artifact ON trial_artifact (artifact_id);

CREATE TABLE activation_profile (
    id INTEGER PRIMARY KEY,
    workload_id INTEGER NOT NULL REFERENCES workload (id),
    trial_id INTEGER REFERENCES trial (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    protocol TEXT NOT NULL,
    device TEXT NOT NULL DEFAULT '',
    dtype TEXT NOT NULL DEFAULT '',
    build TEXT NOT NULL DEFAULT '',
    layers INTEGER NOT NULL,
    experts INTEGER NOT NULL DEFAULT 0,
    tokens INTEGER NOT NULL,
    maxima BLOB,
    routed_tokens BLOB,
    summary TEXT,
    recorded_utc TEXT NOT NULL
) STRICT;
CREATE INDEX activation_profile_by_workload ON activation_profile (workload_id, kind);
CREATE INDEX activation_profile_by_trial ON activation_profile (trial_id);

CREATE TABLE marker_result (
    id INTEGER PRIMARY KEY,
    series TEXT NOT NULL,
    workload_id INTEGER REFERENCES workload (id),
    trial_id INTEGER REFERENCES trial (id) ON DELETE CASCADE,
    data_set_id INTEGER NOT NULL REFERENCES data_set (id),
    split TEXT NOT NULL,
    item TEXT NOT NULL,
    style TEXT NOT NULL,
    jpeg_quality INTEGER NOT NULL DEFAULT 0,
    repeat INTEGER NOT NULL DEFAULT 0,
    conditions TEXT NOT NULL DEFAULT '{}',
    answer TEXT NOT NULL,
    parsed TEXT NOT NULL DEFAULT '',
    correct INTEGER CHECK (correct IN (0, 1)),
    seconds REAL,
    prompt_tokens INTEGER,
    recorded_utc TEXT NOT NULL,
    UNIQUE (series, data_set_id, style, split, item, jpeg_quality, repeat, conditions)
) STRICT;
CREATE INDEX marker_result_by_data_set ON marker_result (data_set_id);
CREATE INDEX marker_result_by_workload ON marker_result (workload_id);
CREATE INDEX marker_result_by_trial ON marker_result (trial_id);

CREATE TABLE roofline_point (
    id INTEGER PRIMARY KEY,
    workload_id INTEGER REFERENCES workload (id),
    trial_id INTEGER REFERENCES trial (id) ON DELETE CASCADE,
    hardware TEXT NOT NULL,
    mode TEXT NOT NULL,
    phase TEXT NOT NULL,
    operation TEXT NOT NULL,
    settings TEXT NOT NULL DEFAULT '{}',
    operations REAL NOT NULL,
    memory_bytes REAL NOT NULL,
    operations_per_second REAL,
    bound TEXT NOT NULL DEFAULT '',
    seconds REAL,
    measured INTEGER NOT NULL CHECK (measured IN (0, 1)),
    recorded_utc TEXT NOT NULL
) STRICT;
CREATE INDEX roofline_point_by_workload ON roofline_point (workload_id);
CREATE INDEX roofline_point_by_trial ON roofline_point (trial_id);

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    time_utc TEXT NOT NULL,
    level TEXT NOT NULL,
    kind TEXT NOT NULL,
    trial TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX event_by_trial ON event (trial) WHERE trial <> '';

CREATE TABLE note (
    id INTEGER PRIMARY KEY,
    trial_id INTEGER REFERENCES trial (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    created_utc TEXT NOT NULL,
    changed_utc TEXT NOT NULL
) STRICT;
CREATE INDEX note_by_trial ON note (trial_id);

CREATE TABLE tag (
    trial_id INTEGER NOT NULL REFERENCES trial (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    PRIMARY KEY (trial_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX tag_by_name ON tag (name);

CREATE TABLE view_state (
    workspace TEXT NOT NULL,
    view TEXT NOT NULL,
    state TEXT NOT NULL,
    changed_utc TEXT NOT NULL,
    PRIMARY KEY (workspace, view)
) STRICT, WITHOUT ROWID;

CREATE TABLE published_point (
    id INTEGER PRIMARY KEY,
    method TEXT NOT NULL,
    model TEXT NOT NULL,
    data_set TEXT NOT NULL DEFAULT '',
    metric TEXT NOT NULL,
    value REAL NOT NULL,
    unit TEXT NOT NULL DEFAULT '',
    x_metric TEXT NOT NULL DEFAULT '',
    x_value REAL,
    conditions TEXT NOT NULL DEFAULT '{}',
    source TEXT NOT NULL,
    url TEXT NOT NULL DEFAULT '',
    confidence TEXT NOT NULL DEFAULT '',
    recorded_utc TEXT NOT NULL
) STRICT;
CREATE INDEX published_point_by_metric ON published_point (metric, model);
)sql";

} // namespace paretoscope::core
