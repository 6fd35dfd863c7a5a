// SPDX-License-Identifier: Apache-2.0
#include "core/project/device_rows.h"

#include "core/project/named_rows.h"
#include "core/project/stored_json.h"
#include "core/project/timestamp.h"

namespace paretoscope::core {

namespace {

constexpr std::string_view kForget = "DELETE FROM roofline_point WHERE hardware = ? AND mode = 'device'";
constexpr std::string_view kInsert =
    "INSERT INTO roofline_point (hardware, mode, phase, operation, settings, operations, memory_bytes, measured, "
    "recorded_utc) VALUES (?, 'device', '', '', ?, 0.0, 0.0, 0, ?)";
constexpr std::string_view kAll =
    "SELECT hardware, settings, recorded_utc FROM roofline_point WHERE mode = 'device' ORDER BY recorded_utc, id";

} // namespace

Status recordDevice(Database& database, const DeviceRecord& device)
{
    PSC_TRY(removeDevice(database, device.name));
    PSC_ASSIGN(Statement insert, database.prepare(kInsert));
    return insert
        .with(device.name, canonicalJson(device.cells),
              device.recordedUtc.empty() ? utcTimestamp() : device.recordedUtc)
        .run();
}

Status removeDevice(Database& database, const std::string& name)
{
    PSC_ASSIGN(Statement forget, database.prepare(kForget));
    return forget.with(name).run();
}

Result<std::vector<DeviceRecord>> readDevices(Database& database)
{
    return newestOfEachName<DeviceRecord>(database, kAll, [](const Statement& row) {
        return DeviceRecord {.name = row.text(0), .cells = jsonFromStored(row.rawText(1)), .recordedUtc = row.text(2)};
    });
}

} // namespace paretoscope::core
