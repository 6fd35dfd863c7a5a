// SPDX-License-Identifier: Apache-2.0
#include "core/project/machine_rows.h"

#include "core/project/named_rows.h"
#include "core/project/stored_json.h"
#include "core/project/timestamp.h"

namespace paretoscope::core {

namespace {

constexpr std::string_view kForget =
    "DELETE FROM roofline_point WHERE hardware = ? AND mode = 'measured' AND trial_id IS NULL AND workload_id IS NULL";
constexpr std::string_view kInsert =
    "INSERT INTO roofline_point (hardware, mode, phase, operation, settings, operations, memory_bytes, "
    "operations_per_second, bound, seconds, measured, recorded_utc) VALUES (?, 'measured', ?, ?, ?, ?, ?, ?, ?, ?, 1, "
    "?)";
constexpr std::string_view kProfiles =
    "SELECT hardware, settings, recorded_utc FROM roofline_point WHERE mode = 'measured' AND phase = 'profile' AND "
    "trial_id IS NULL ORDER BY recorded_utc, id";

} // namespace

Status recordMachine(Database& database, const MachineRecord& machine)
{
    const std::string time = machine.recordedUtc.empty() ? utcTimestamp() : machine.recordedUtc;
    PSC_ASSIGN(Statement forget, database.prepare(kForget));
    PSC_TRY(forget.with(machine.name).run());
    PSC_ASSIGN(Statement insert, database.prepare(kInsert));
    PSC_TRY(
        insert.with(machine.name, "profile", "", canonicalJson(machine.profile), 0.0, 0.0, nullptr, "", nullptr, time)
            .run());
    for (const MeasuredPartRecord& part : machine.parts)
        PSC_TRY(insert
                    .with(machine.name, part.phase, part.operation, canonicalJson(part.settings), part.operations,
                          part.memoryBytes, part.operations / part.seconds, part.bound, part.seconds, time)
                    .run());
    return success();
}

Result<std::vector<MachineRecord>> readMachines(Database& database)
{
    return newestOfEachName<MachineRecord>(database, kProfiles, [](const Statement& row) {
        return MachineRecord {
            .name = row.text(0), .profile = jsonFromStored(row.rawText(1)), .recordedUtc = row.text(2)};
    });
}

} // namespace paretoscope::core
