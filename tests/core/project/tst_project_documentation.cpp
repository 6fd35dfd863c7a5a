// SPDX-License-Identifier: Apache-2.0
// Holds docs/project-file.md against the schema.
#include "second_process.h"

#include "core/project/database.h"
#include "core/project/migrations.h"

#include <QFile>
#include <QRegularExpression>
#include <QtTest>

using namespace paretoscope::core;

class TstProjectDocumentation : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyTableAndColumnIsDocumented()
    {
        auto database = Database::open("schema", Database::Access::Memory);
        VERIFY_OK(database);
        VERIFY_OK(migrate(database.value(), migrations()));
        QStringList columns;
        auto query = database.value().prepare("SELECT t.name, c.name, c.type FROM sqlite_schema t, "
                                              "pragma_table_info(t.name) c WHERE t.type = 'table'");
        VERIFY_OK(query);
        VERIFY_OK(query.value().forEachRow([&columns](const Statement& row) {
            columns << QString::fromStdString(row.text(0) + "." + row.text(1) + " " + row.text(2));
            return success();
        }));
        QStringList documented = documentedColumns();
        columns.sort();
        documented.sort();
        for (const QString& column : columns)
            QVERIFY2(documented.contains(column), qPrintable(column + QStringLiteral(" is not documented")));
        for (const QString& column : documented)
            QVERIFY2(columns.contains(column), qPrintable(column + QStringLiteral(" does not exist")));
        QCOMPARE(documented, columns);
    }

private:
    /// "table.column TYPE" from the sections "### table" and their rows "| column | TYPE | ... |".
    static QStringList documentedColumns()
    {
        QFile file(QStringLiteral(PARETOSCOPE_TEST_DATA "/../../docs/project-file.md"));
        if (!file.open(QIODevice::ReadOnly))
            return {};
        const QString text = QString::fromUtf8(file.readAll());
        static const QRegularExpression heading(QStringLiteral("^### ([a-z_]+)$"));
        static const QRegularExpression column(QStringLiteral("^\\| ([a-z0-9_]+) \\| ([A-Z]+) \\|"));
        QString table;
        QStringList columns;
        for (const QString& line : text.split(QLatin1Char('\n'))) {
            if (const auto found = heading.match(line); found.hasMatch())
                table = found.captured(1);
            else if (const auto row = column.match(line); row.hasMatch())
                columns << table + QLatin1Char('.') + row.captured(1) + QLatin1Char(' ') + row.captured(2);
        }
        return columns;
    }
};

QTEST_GUILESS_MAIN(TstProjectDocumentation)
#include "tst_project_documentation.moc"
