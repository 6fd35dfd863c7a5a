// SPDX-License-Identifier: Apache-2.0
#include "core/project/migrations.h"

#include "core/project/project_row.h"
#include "core/project/schema_v1.h"
#include "core/project/sqlite_error.h"

#include "core/base/assert.h"

#include <array>

namespace paretoscope::core {

namespace {

Status createVersion1(Database& database)
{
    PSC_TRY(database.execute("PRAGMA application_id = " + std::to_string(kApplicationId)));
    PSC_TRY(database.execute(kSchemaV1));
    return insertProjectRow(database);
}

constexpr std::array kMigrations {
    Migration {.version = 1, .programVersion = "0.1.0", .apply = createVersion1},
};

Status checkForeignKeys(Database& database)
{
    PSC_ASSIGN(Statement check, database.prepare("PRAGMA foreign_key_check"));
    PSC_ASSIGN(const bool broken, check.step());
    if (broken)
        return damagedProject(database.name(),
                              "table " + check.text(0) + " refers to a missing row of " + check.text(2));
    return success();
}

Status applyStep(Database& database, const Migration& step)
{
    PSC_ASSIGN(Transaction transaction, Transaction::begin(database, Transaction::Kind::Write));
    PSC_TRY(step.apply(database));
    PSC_TRY(setRequiredProgram(database, step.programVersion));
    PSC_TRY(database.execute("PRAGMA user_version = " + std::to_string(step.version)));
    PSC_TRY(checkForeignKeys(database));
    return transaction.commit();
}

Status applySteps(Database& database, std::span<const Migration> steps)
{
    PSC_ASSIGN(std::int64_t version, database.integer("PRAGMA user_version"));
    for (const Migration& step : steps) {
        if (step.version <= version)
            continue;
        PSC_ASSERT(step.version == version + 1, "migrations are numbered without gaps");
        if (const Status applied = applyStep(database, step); !applied.ok())
            return applied.error().withContext("cannot bring " + database.name().string() + " to schema version " +
                                               std::to_string(step.version));
        version = step.version;
    }
    return success();
}

} // namespace

std::span<const Migration> migrations()
{
    return kMigrations;
}

bool areOurs(std::span<const Migration> steps)
{
    return steps.data() == kMigrations.data() && steps.size() == kMigrations.size();
}

Status migrate(Database& database, std::span<const Migration> steps)
{
    // A step may rebuild a table that others refer to; the switch has no effect inside a transaction.
    PSC_TRY(database.execute("PRAGMA foreign_keys = OFF"));
    const Status migrated = applySteps(database, steps);
    PSC_TRY(database.execute("PRAGMA foreign_keys = ON"));
    return migrated;
}

Result<std::string> newProject(std::span<const Migration> steps)
{
    PSC_ASSIGN(Database database, Database::open("new project", Database::Access::Memory));
    PSC_TRY(migrate(database, steps));
    return database.serialize();
}

} // namespace paretoscope::core
