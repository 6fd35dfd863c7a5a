// SPDX-License-Identifier: Apache-2.0
// Damage of every kind is planted in a sound project: verify names it, and a salvaged copy is sound again.
#include "damage.h"
#include "sample_records.h"
#include "second_process.h"

#include "core/project/compact.h"
#include "core/project/project_store.h"
#include "core/project/salvage.h"
#include "core/project/subset.h"
#include "core/project/verify.h"

#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope::core;

namespace {

/// The findings as lines, for messages.
QByteArray described(const VerifyReport& report)
{
    QByteArray lines;
    for (const Finding& finding : report.findings)
        lines += QByteArray::fromStdString(finding.kind + " | " + finding.where + " | " + finding.message) + '\n';
    for (const std::string& note : report.notes)
        lines += "note | " + QByteArray::fromStdString(note) + '\n';
    return lines;
}

QByteArray described(const SalvageReport& report)
{
    QByteArray lines;
    for (const SalvagedTable& table : report.tables) {
        lines += QByteArray::fromStdString(table.name) + ": " + QByteArray::number(qint64(table.kept)) + " kept, " +
                 QByteArray::number(qint64(table.lost)) + " lost, " + QByteArray::number(qint64(table.unreadable)) +
                 " unreadable\n";
        for (const std::string& loss : table.losses)
            lines += "  " + QByteArray::fromStdString(loss) + '\n';
    }
    return lines + described(report.result);
}

} // namespace

class TstProjectVerify : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>(folderInMemory());
        m_place = m_folder->path().toStdString();
        m_file = m_place / "p.pscope";
        m_saved = m_place / "saved.pscope";
    }

    void soundProjectHasNoFindings_data()
    {
        QTest::addColumn<bool>("killed");
        QTest::addRow("at rest") << false;
        QTest::addRow("beside the WAL of a killed writer") << true;
    }
    void soundProjectHasNoFindings()
    {
        QFETCH(bool, killed);
        if (killed) {
            SecondProcess writer({QStringLiteral("answer"), QString::fromStdString(m_file.string())});
            QCOMPARE(writer.line(), QStringLiteral("ready"));
            for (int number = 0; number < 5; ++number) {
                writer.write(QString::number(number));
                QCOMPARE(writer.line(), QStringLiteral("done %1").arg(number));
            }
            writer.kill();
        } else {
            makeSoundProject(m_file);
        }
        const auto before = contentOf(m_place);
        const auto report = verifyProject(m_file);
        VERIFY_OK(report);
        QVERIFY2(report.value().findings.empty(), described(report.value()));
        QCOMPARE(report.value().trials, killed ? 5 : kSoundTrials);
        QVERIFY(contentOf(m_place) == before);
    }

    void plantedDamageIsFoundAndRepaired_data()
    {
        QTest::addColumn<int>("damage");
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("where");
        QTest::addColumn<int>("trialsSaved");
        int index = 0;
        for (const Damage& damage : damages()) {
            QTest::addRow("%s", damage.name)
                << index++ << QString::fromUtf8(damage.kind) << QString::fromUtf8(damage.where) << damage.trialsSaved;
        }
    }
    void plantedDamageIsFoundAndRepaired()
    {
        QFETCH(int, damage);
        QFETCH(QString, kind);
        QFETCH(QString, where);
        QFETCH(int, trialsSaved);
        makeSoundProject(m_file);
        damages()[static_cast<std::size_t>(damage)].plant(m_file);
        const auto before = contentOf(m_place);

        const auto report = verifyProject(m_file);
        VERIFY_OK(report);
        bool named = false;
        for (const Finding& finding : report.value().findings) {
            QVERIFY(!finding.message.empty() && !finding.remedy.empty());
            named = named || (finding.kind == kind.toStdString() &&
                              finding.where.find(where.toStdString()) != std::string::npos);
        }
        QVERIFY2(named, described(report.value()));

        const auto salvage = salvageProject(m_file, m_saved);
        VERIFY_OK(salvage);
        QVERIFY2(salvage.value().result.findings.empty(), described(salvage.value()));
        const auto saved = ProjectStore::open(m_saved, OpenMode::ReadWrite);
        VERIFY_OK(saved);
        const auto trials = saved.value().trials();
        VERIFY_OK(trials);
        QVERIFY2(int(trials.value().size()) >= trialsSaved, described(salvage.value()));
        for (const TrialRecord& trial : trials.value())
            QVERIFY2(trial.status == TrialStatus::Done || trial.status == TrialStatus::Interrupted,
                     trial.label.c_str());

        auto after = contentOf(m_place);
        std::erase_if(after, [](const auto& entry) { return entry.first.starts_with("saved.pscope"); });
        QVERIFY(after == before);
    }

    void damageThatIsNoDamageIsRepairedCompletely_data()
    {
        QTest::addColumn<QString>("name");
        for (const char* name : {"index without entries", "flipped page size", "other application id", "extra trigger",
                                 "list of tables destroyed", "changed pipeline", "changed trial id"})
            QTest::addRow("%s", name) << QString::fromUtf8(name);
    }
    void damageThatIsNoDamageIsRepairedCompletely()
    {
        QFETCH(QString, name);
        makeSoundProject(m_file);
        const auto all = ProjectStore::open(m_file, OpenMode::ReadOnly).value().trials().value();
        const auto found = std::find_if(damages().begin(), damages().end(),
                                        [&name](const Damage& damage) { return name == QLatin1String(damage.name); });
        QVERIFY(found != damages().end());
        found->plant(m_file);
        VERIFY_OK(salvageProject(m_file, m_saved));
        const auto saved = ProjectStore::open(m_saved, OpenMode::ReadOnly);
        VERIFY_OK(saved);
        const auto trials = saved.value().trials();
        VERIFY_OK(trials);
        QCOMPARE(trials.value().size(), all.size());
        for (std::size_t i = 0; i < all.size(); ++i)
            QVERIFY2(sameTrial(trials.value()[i], all[i]), all[i].label.c_str());
    }

    void lossesAreNamedTableByTable()
    {
        makeSoundProject(m_file);
        alter(m_file, "PRAGMA foreign_keys = OFF; DELETE FROM trial WHERE id = 3");
        const auto salvage = salvageProject(m_file, m_saved);
        VERIFY_OK(salvage);
        const auto runs = std::find_if(salvage.value().tables.begin(), salvage.value().tables.end(),
                                       [](const SalvagedTable& table) { return table.name == "attempt"; });
        QVERIFY(runs != salvage.value().tables.end());
        QCOMPARE(runs->kept, kSoundTrials - 1);
        QCOMPARE(runs->lost, 1);
        QCOMPARE(runs->losses.front(), std::string("attempt 3: the trial it belongs to is not there"));
    }

    void nothingIsOverwrittenOrLeftBehind_data()
    {
        QTest::addColumn<QByteArray>("content");
        QTest::addColumn<bool>("targetExists");
        QTest::addColumn<int>("code");
        QTest::addRow("target is there") << QByteArray() << true << int(ErrorCode::InvalidArgument);
        QTest::addRow("no project at all") << QByteArray(20'000, 'x') << false << int(ErrorCode::Corrupt);
        QTest::addRow("zeros") << QByteArray(20'000, 0) << false << int(ErrorCode::Corrupt);
    }
    void nothingIsOverwrittenOrLeftBehind()
    {
        QFETCH(QByteArray, content);
        QFETCH(bool, targetExists);
        QFETCH(int, code);
        if (content.isEmpty())
            makeSoundProject(m_file);
        else
            writeFile(m_file, content);
        if (targetExists)
            writeFile(m_saved, "mine");
        const auto before = contentOf(m_place);
        const auto salvage = salvageProject(m_file, m_saved);
        VERIFY_ERROR(salvage, ErrorCode(code));
        QVERIFY(contentOf(m_place) == before);
    }

    void newerProjectIsRefused()
    {
        makeSoundProject(m_file);
        alter(m_file, "PRAGMA user_version = 7; UPDATE project SET requires = '3.2.0'");
        const auto report = verifyProject(m_file);
        VERIFY_ERROR(report, ErrorCode::Unsupported);
        QVERIFY(report.error().hint.find("3.2.0") != std::string::npos);
        VERIFY_ERROR(salvageProject(m_file, m_saved), ErrorCode::Unsupported);
    }

    void compactingGivesBackSpaceAndKeepsAll()
    {
        makeSoundProject(m_file);
        const auto all = ProjectStore::open(m_file, OpenMode::ReadOnly).value().trials().value();
        alter(m_file, "CREATE TABLE ballast (x); INSERT INTO ballast VALUES (zeroblob(500000)); DROP TABLE ballast");
        const auto compacted = compactProject(m_file);
        VERIFY_OK(compacted);
        QVERIFY(compacted.value().bytesBefore > compacted.value().bytesAfter + 400'000);
        QCOMPARE(compacted.value().bytesAfter, std::int64_t(std::filesystem::file_size(m_file)));
        QCOMPARE(contentOf(m_place).size(), std::size_t(2)); // the project and its artifacts
        const auto report = verifyProject(m_file);
        VERIFY_OK(report);
        QVERIFY2(report.value().findings.empty(), described(report.value()));
        const auto store = ProjectStore::open(m_file, OpenMode::ReadWrite);
        VERIFY_OK(store);
        for (const TrialRecord& trial : all) {
            TrialRecord expected = store.value().trial(trial.id).value();
            expected.layerMetrics.clear();
            QVERIFY(sameTrial(expected, trial));
        }
    }

    void compactingWaitsForNoWriter()
    {
        makeSoundProject(m_file);
        const auto writer = ProjectStore::open(m_file, OpenMode::ReadWrite);
        VERIFY_OK(writer);
        VERIFY_ERROR(compactProject(m_file), ErrorCode::Busy);
    }

    void compactedProjectIsSalvagedWithoutItsListOfTables()
    {
        makeSoundProject(m_file);
        VERIFY_OK(compactProject(m_file));
        destroyListOfTables(m_file);
        const auto salvage = salvageProject(m_file, m_saved);
        VERIFY_OK(salvage);
        QVERIFY2(salvage.value().result.findings.empty(), described(salvage.value()));
        QCOMPARE(ProjectStore::open(m_saved, OpenMode::ReadOnly).value().trials().value().size(),
                 std::size_t(kSoundTrials));
    }

    void subsetHoldsItsTrialsAndNoOthers()
    {
        makeSoundProject(m_file);
        const auto store = ProjectStore::open(m_file, OpenMode::ReadOnly);
        VERIFY_OK(store);
        const auto all = store.value().trials().value();
        const std::vector<TrialId> chosen {all[1].id, all[4].id};
        VERIFY_OK(exportSubset(store.value(), chosen, m_saved));
        const auto report = verifyProject(m_saved);
        VERIFY_OK(report);
        QVERIFY2(report.value().findings.empty(), described(report.value()));
        const auto subset = ProjectStore::open(m_saved, OpenMode::ReadWrite);
        VERIFY_OK(subset);
        QCOMPARE(subset.value().trials().value().size(), chosen.size());
        for (const TrialId& id : chosen)
            QVERIFY(sameTrial(subset.value().trial(id).value(), store.value().trial(id).value()));
        QCOMPARE(subset.value().sweeps().value().front().trials.size(), chosen.size());
        VERIFY_ERROR(exportSubset(store.value(), std::vector {TrialId {}}, m_place / "none.pscope"),
                     ErrorCode::NotFound);
        QVERIFY(!std::filesystem::exists(m_place / "none.pscope"));
        VERIFY_ERROR(exportSubset(store.value(), chosen, m_file), ErrorCode::InvalidArgument);
    }

private:
    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_place;
    std::filesystem::path m_file;
    std::filesystem::path m_saved;
};

QTEST_GUILESS_MAIN(TstProjectVerify)
#include "tst_project_verify.moc"
