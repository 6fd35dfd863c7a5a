// SPDX-License-Identifier: Apache-2.0
#include "sample_records.h"
#include "second_process.h"

#include "core/project/database.h"
#include "core/project/project_store.h"

#include <QTemporaryDir>
#include <QtTest>

#include <unistd.h>

using namespace paretoscope::core;

class TstProjectLimits : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        m_place = m_folder->path().toStdString();
        m_file = m_place / "p.pscope";
        m_name = QString::fromStdString(m_file.string());
    }

    void fileSizeLimitLosesNothing_data()
    {
        QTest::addColumn<int>("bytes");
        for (const int bytes : {300'000, 350'000, 421'337, 600'000, 1'000'000})
            QTest::addRow("%d bytes", bytes) << bytes;
    }
    void fileSizeLimitLosesNothing()
    {
        QFETCH(int, bytes);
        SecondProcess writer({QStringLiteral("fill"), m_name, QString::number(bytes)});
        checkWhatIsKept(writer.remainingLines(), QStringLiteral("file size limit"));
    }

    // The real thing: a file system of one megabyte that fills up. Needs the right to mount in a namespace of our own.
    void fullDiskLosesNothing()
    {
        SecondProcess writer({QStringLiteral("fill-disk"), m_name, QStringLiteral("1500000")});
        const QStringList lines = writer.remainingLines();
        if (lines.contains(QStringLiteral("cannot mount")))
            QSKIP("this system does not let us mount a small file system");
        checkSaid(lines.filter(QRegularExpression(QStringLiteral("^(done|kept|error)"))),
                  QStringLiteral("the disk is full"));
        const int reported = int(lines.filter(QRegularExpression(QStringLiteral("^done"))).size());
        QVERIFY(lines.contains(QStringLiteral("kept %1").arg(reported)));
        QVERIFY(lines.contains(QStringLiteral("integrity ok")));
        QVERIFY(lines.contains(QStringLiteral("reopened %1").arg(reported)));
    }

    void creationOnAFullDiskLeavesNothing()
    {
        SecondProcess writer({QStringLiteral("fill"), m_name, QStringLiteral("-20000")});
        const QStringList lines = writer.remainingLines();
        QCOMPARE(lines.size(), 1);
        QVERIFY2(lines.front().startsWith(QLatin1String("error Io ")), qPrintable(lines.front()));
        QVERIFY(contentOf(m_place).empty());
    }

    void fileThatVanishesIsNoticedBeforeTheNextWrite_data()
    {
        QTest::addColumn<int>("what");
        QTest::addRow("deleted") << 0;
        QTest::addRow("moved") << 1;
        QTest::addRow("replaced") << 2;
    }
    void fileThatVanishesIsNoticedBeforeTheNextWrite()
    {
        QFETCH(int, what);
        auto store = ProjectStore::open(m_file, OpenMode::Create);
        VERIFY_OK(store);
        VERIFY_OK(store.value().finishTrial(sampleTrial(1)));
        const auto aside = m_place / "aside.pscope";
        if (what == 0)
            std::filesystem::remove(m_file);
        else
            std::filesystem::rename(m_file, aside);
        if (what == 2)
            std::filesystem::copy_file(aside, m_file);
        const Status status = store.value().finishTrial(sampleTrial(2));
        VERIFY_ERROR(status, ErrorCode::Io);
        QVERIFY(status.error().message.find("p.pscope") != std::string::npos);
        if (what == 1) {
            std::filesystem::rename(aside, m_file); // put back, as the hint says
            VERIFY_OK(store.value().finishTrial(sampleTrial(2)));
            QCOMPARE(store.value().trials().value().size(), 2u);
        }
    }

    void readOnlyFileIsNamed()
    {
        if (::getuid() != 0)
            QSKIP("needs root to become another user, whom permissions bind");
        VERIFY_OK(ProjectStore::open(m_file, OpenMode::Create));
        std::filesystem::permissions(m_place, std::filesystem::perms(0777));
        std::filesystem::permissions(m_file, std::filesystem::perms(0444));
        SecondProcess writer({QStringLiteral("open"), m_name, QStringLiteral("w"), QStringLiteral("65534")});
        const QString said = writer.line();
        QVERIFY2(said.startsWith(QLatin1String("error Io ")) && said.contains(m_name), qPrintable(said));
        std::filesystem::permissions(m_file, std::filesystem::perms(0000));
        SecondProcess reader({QStringLiteral("open"), m_name, QStringLiteral("r"), QStringLiteral("65534")});
        const QString refused = reader.line();
        QVERIFY2(refused.startsWith(QLatin1String("error Io ")) && refused.contains(m_name), qPrintable(refused));
        QCOMPARE(contentOf(m_place).size(), 1u);
    }

private:
    void checkSaid(const QStringList& lines, const QString& reason)
    {
        QVERIFY(!lines.isEmpty());
        const QString& error = lines.last();
        QVERIFY2(error.startsWith(QLatin1String("error Io cannot record trial ")), qPrintable(error));
        QVERIFY2(error.contains(reason), qPrintable(error));
        QVERIFY2(error.contains(QStringLiteral("p.pscope")), qPrintable(error));
        QVERIFY2(error.contains(QStringLiteral("everything recorded before is kept")), qPrintable(error));
    }

    void checkWhatIsKept(const QStringList& lines, const QString& reason)
    {
        checkSaid(lines, reason);
        const auto reported = lines.filter(QRegularExpression(QStringLiteral("^done"))).size();
        QVERIFY(reported > 0);
        for (const OpenMode mode : {OpenMode::ReadOnly, OpenMode::ReadWrite}) {
            const auto store = ProjectStore::open(m_file, mode);
            VERIFY_OK(store);
            const auto trials = store.value().trials();
            VERIFY_OK(trials);
            QCOMPARE(qsizetype(trials.value().size()), reported);
        }
        auto database = Database::open(m_file, Database::Access::ReadOnly);
        VERIFY_OK(database);
        QCOMPARE(database.value().text("PRAGMA integrity_check").value(), std::string("ok"));
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_place;
    std::filesystem::path m_file;
    QString m_name;
};

QTEST_GUILESS_MAIN(TstProjectLimits)
#include "tst_project_limits.moc"
