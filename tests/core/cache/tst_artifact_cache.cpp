// SPDX-License-Identifier: Apache-2.0
// The cache alone, and with several processes that store, find, trim and are killed at the same time.
#include "core/cache/artifact_cache.h"

#include <QDirIterator>
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace paretoscope::core;

namespace {

Json key(int number)
{
    return {{"number", number}};
}

/// What belongs to a key, so that every process can tell whether an entry is whole.
std::string contentOf(int number, std::size_t bytes = 1000)
{
    std::string content(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i)
        content[i] = static_cast<char>((static_cast<std::size_t>(number) * 31 + i * 7) % 251);
    return content;
}

bool put(ArtifactCache& cache, int number, std::size_t bytes = 1000, ArtifactKind kind = ArtifactKind::Statistic)
{
    const std::string content = contentOf(number, bytes);
    const std::array<std::string_view, 2> parts {std::string_view(content).substr(0, bytes / 3),
                                                 std::string_view(content).substr(bytes / 3)};
    return cache.store(kind, key(number), {{"of", number}}, parts);
}

bool holds(ArtifactCache& cache, int number, std::size_t bytes = 1000)
{
    const auto entry = cache.find(ArtifactKind::Statistic, key(number));
    return entry && entry->note == Json {{"of", number}} && entry->content == contentOf(number, bytes);
}

std::filesystem::path pathOf(const QTemporaryDir& folder)
{
    return folder.path().toStdString();
}

QStringList filesIn(const QTemporaryDir& folder)
{
    QStringList found;
    QDirIterator files(folder.path(), QDir::Files, QDirIterator::Subdirectories);
    while (files.hasNext())
        found << files.next();
    return found;
}

qint64 bytesIn(const QTemporaryDir& folder)
{
    qint64 bytes = 0;
    for (const QString& file : filesIn(folder))
        bytes += QFileInfo(file).size();
    return bytes;
}

void setAge(const QString& file, int seconds)
{
    const timespec then {::time(nullptr) - seconds, 0};
    const timespec times[] {then, then};
    QCOMPARE(::utimensat(AT_FDCWD, QFile::encodeName(file).constData(), times, 0), 0);
}

/// The program run as a child: stores and finds 40 keys again and again, checks every entry, trims; until it is killed
/// or `rounds` are over. Its exit status tells whether an entry was wrong.
int churn(const char* folder, int rounds, int seed)
{
    ArtifactCache cache(folder, Bytes {20'000});
    for (int round = 0; rounds < 0 || round < rounds; ++round) {
        const int number = (round * 17 + seed * 5) % 40;
        const auto entry = cache.find(ArtifactKind::Statistic, key(number));
        if (entry && entry->content != contentOf(number))
            return 1;
        if (!entry)
            put(cache, number);
        if (round == 100) {
            std::puts("busy");
            std::fflush(stdout);
        }
    }
    return cache.takeRemarks().empty() ? 0 : 2;
}

/// The program run as a child: holds a claim until it is killed.
int holdClaim(const char* folder)
{
    ArtifactCache cache(folder);
    const auto claim = cache.claim(ArtifactKind::Prefix, key(1));
    std::puts(claim ? "claimed" : "refused");
    std::fflush(stdout);
    for (;;)
        ::pause();
}

std::unique_ptr<QProcess> startChild(const QStringList& arguments)
{
    auto process = std::make_unique<QProcess>();
    process->start(QCoreApplication::applicationFilePath(), arguments);
    if (!process->waitForStarted())
        qFatal("the child does not start");
    return process;
}

QByteArray firstLineOf(QProcess& process)
{
    while (!process.canReadLine()) {
        if (!process.waitForReadyRead(30'000))
            qFatal("the child says nothing");
    }
    return process.readLine().trimmed();
}

} // namespace

class TstArtifactCache : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void findsWhatWasStored_data()
    {
        QTest::addColumn<int>("bytes");
        for (const int bytes : {0, 1, 1000, 1'000'000})
            QTest::addRow("%d bytes", bytes) << bytes;
    }
    void findsWhatWasStored()
    {
        QFETCH(int, bytes);
        const QTemporaryDir folder;
        ArtifactCache cache(pathOf(folder));
        QVERIFY(!cache.contains(ArtifactKind::Statistic, key(1)));
        QVERIFY(put(cache, 1, std::size_t(bytes)));
        QVERIFY(cache.contains(ArtifactKind::Statistic, key(1)));
        QVERIFY(holds(cache, 1, std::size_t(bytes)));
        QVERIFY(!cache.find(ArtifactKind::Statistic, key(2)));
        QVERIFY(!cache.find(ArtifactKind::Prefix, key(1))); // kinds are apart
        QVERIFY(cache.takeRemarks().empty());
    }

    void damagedEntryIsAbsentAndTold_data()
    {
        QTest::addColumn<int>("length");  ///< in eighths of the file's
        QTest::addColumn<int>("flipped"); ///< byte with a wrong bit, in eighths; -1: none
        for (const int length : {0, 1, 7})
            QTest::addRow("cut to %d/8", length) << length << -1;
        for (const int flipped : {0, 1, 8})
            QTest::addRow("bit at %d/8", flipped) << 8 << flipped;
    }
    void damagedEntryIsAbsentAndTold()
    {
        QFETCH(int, length);
        QFETCH(int, flipped);
        const QTemporaryDir folder;
        ArtifactCache cache(pathOf(folder));
        QVERIFY(put(cache, 1));
        const QStringList files = filesIn(folder);
        QCOMPARE(files.size(), 1);
        QFile file(files.first());
        QVERIFY(file.open(QIODevice::ReadWrite));
        const qint64 size = file.size();
        if (flipped >= 0) {
            const qint64 place = qMin(size * flipped / 8, size - 1);
            char byte = 0;
            file.seek(place);
            QVERIFY(file.getChar(&byte));
            file.seek(place);
            file.putChar(static_cast<char>(byte ^ 1));
        }
        QVERIFY(file.resize(size * length / 8));
        file.close();
        QVERIFY(!cache.find(ArtifactKind::Statistic, key(1)));
        QVERIFY(filesIn(folder).isEmpty());
        const auto remarks = cache.takeRemarks();
        QCOMPARE(remarks.size(), std::size_t(1));
        QVERIFY(remarks[0].starts_with("a statistic in the cache was damaged"));
        QVERIFY(cache.takeRemarks().empty());
        QVERIFY(put(cache, 1));
        QVERIFY(holds(cache, 1));
    }

    void worksWithoutAFolder_data()
    {
        QTest::addColumn<QString>("folder");
        QTest::addRow("switched off") << QString();
        QTest::addRow("cannot be made") << QStringLiteral("/proc/no-such-place");
    }
    void worksWithoutAFolder()
    {
        QFETCH(QString, folder);
        ArtifactCache cache(folder.toStdString());
        QVERIFY(!put(cache, 1));
        QVERIFY(!cache.find(ArtifactKind::Statistic, key(1)));
        QVERIFY(!cache.claim(ArtifactKind::Statistic, key(1)));
        QVERIFY(!cache.isClaimed(ArtifactKind::Statistic, key(1)));
        cache.trim();
    }

    void fullDiskCostsTheEntryOnly()
    {
        const QTemporaryDir folder;
        ArtifactCache cache(pathOf(folder));
        QVERIFY(put(cache, 1));
        rlimit before = {};
        QCOMPARE(::getrlimit(RLIMIT_FSIZE, &before), 0);
        const rlimit small {5000, before.rlim_max}; // writing more fails, as on a full disk
        std::signal(SIGXFSZ, SIG_IGN);
        QCOMPARE(::setrlimit(RLIMIT_FSIZE, &small), 0);
        const bool isStored = put(cache, 2, 100'000);
        QCOMPARE(::setrlimit(RLIMIT_FSIZE, &before), 0);
        QVERIFY(!isStored);
        QCOMPARE(filesIn(folder).size(), 1); // nothing half-written is left
        QVERIFY(holds(cache, 1));
        QVERIFY(put(cache, 2, 100'000));
    }

    void staysBelowItsLimitAndKeepsWhatWasUsedLast()
    {
        const QTemporaryDir folder;
        ArtifactCache cache(pathOf(folder), Bytes {10'000});
        for (int number = 0; number < 8; ++number) {
            QVERIFY(put(cache, number));
            for (const QString& file : filesIn(folder)) // one step older each
                setAge(file, int(QFileInfo(file).lastModified().secsTo(QDateTime::currentDateTime())) + 100);
        }
        QVERIFY(holds(cache, 0)); // used now, so the last one to go
        ArtifactCache other(pathOf(folder), Bytes {10'000});
        for (int number = 100; number < 105; ++number)
            QVERIFY(put(other, number));
        QVERIFY2(bytesIn(folder) <= 10'000, qPrintable(QString::number(bytesIn(folder))));
        QVERIFY(holds(cache, 0));
        QVERIFY(!cache.contains(ArtifactKind::Statistic, key(1)));
        QVERIFY(!cache.contains(ArtifactKind::Statistic, key(2)));
        for (int number = 100; number < 105; ++number)
            QVERIFY(holds(cache, number));
        QVERIFY(!put(other, 200, 20'000)); // would never fit
    }

    void unfinishedTrialsCountAndGoByAge_data()
    {
        QTest::addColumn<bool>("inUse");
        QTest::addRow("nobody's") << false;
        QTest::addRow("in use") << true;
    }
    void unfinishedTrialsCountAndGoByAge()
    {
        QFETCH(bool, inUse);
        const QTemporaryDir folder;
        const std::filesystem::path trial = pathOf(folder) / "trials" / "abc";
        std::filesystem::create_directories(trial);
        QVERIFY(writeFileAtomically(trial / "part-0", std::string(9000, 'x')).ok());
        setAge(QString::fromStdString(trial.string()), 1000);
        const auto lock = inUse ? FileLock::tryLock(trial / "lock") : std::nullopt;
        ArtifactCache cache(pathOf(folder), Bytes {10'000});
        for (int number = 0; number < 5; ++number)
            QVERIFY(put(cache, number));
        QCOMPARE(std::filesystem::exists(trial), inUse);
        QCOMPARE(holds(cache, 0), !inUse); // everything else had to make room instead
        QVERIFY(holds(cache, 4));
    }

    void trimRemovesWhatNobodyOwns()
    {
        const QTemporaryDir folder;
        ArtifactCache cache(pathOf(folder));
        QVERIFY(put(cache, 1));
        const QString entry = filesIn(folder).first();
        const QString abandoned = entry + QStringLiteral(".new1-1");
        const QString current = entry + QStringLiteral(".new1-2");
        QVERIFY(QFile::copy(entry, abandoned) && QFile::copy(entry, current));
        setAge(abandoned, 7200);
        cache.trim();
        QVERIFY(!QFile::exists(abandoned));
        QVERIFY(QFile::exists(current)); // somebody may be writing it
        QVERIFY(holds(cache, 1));
    }

    void claimIsHeldByOne()
    {
        const QTemporaryDir folder;
        ArtifactCache cache(pathOf(folder));
        ArtifactCache other(pathOf(folder));
        QVERIFY(!other.isClaimed(ArtifactKind::Prefix, key(1)));
        {
            const auto claim = cache.claim(ArtifactKind::Prefix, key(1));
            QVERIFY(claim);
            QVERIFY(other.isClaimed(ArtifactKind::Prefix, key(1)));
            QVERIFY(!other.claim(ArtifactKind::Prefix, key(1)));
            QVERIFY(other.claim(ArtifactKind::Prefix, key(2)));
            int asked = 0;
            QVERIFY(!other.awaitClaim(ArtifactKind::Prefix, key(1), [&] { return ++asked < 3; }));
            QCOMPARE(asked, 3);
        }
        QVERIFY(!other.isClaimed(ArtifactKind::Prefix, key(1)));
        QVERIFY(filesIn(folder).isEmpty());
        QVERIFY(other.awaitClaim(ArtifactKind::Prefix, key(1), [] { return true; }));
    }

    void claimWithoutASignOfLifeIsNotWaitedFor()
    {
        const QTemporaryDir folder;
        ArtifactCache cache(pathOf(folder));
        const auto claim = cache.claim(ArtifactKind::Prefix, key(1));
        setAge(filesIn(folder).first(), 121);
        QVERIFY(!cache.isClaimed(ArtifactKind::Prefix, key(1)));
        QVERIFY(!cache.claim(ArtifactKind::Prefix, key(1))); // but nobody takes it away
        QVERIFY(!cache.awaitClaim(ArtifactKind::Prefix, key(1), [] { return true; }));
        cache.touchClaims();
        QVERIFY(cache.isClaimed(ArtifactKind::Prefix, key(1)));
    }

    void claimEndsWithItsProcess()
    {
        const QTemporaryDir folder;
        ArtifactCache cache(pathOf(folder));
        const auto process = startChild({QStringLiteral("--claim"), folder.path()});
        QCOMPARE(firstLineOf(*process), QByteArray("claimed"));
        QVERIFY(cache.isClaimed(ArtifactKind::Prefix, key(1)));
        ::kill(static_cast<pid_t>(process->processId()), SIGKILL);
        QVERIFY(process->waitForFinished());
        QVERIFY(!cache.isClaimed(ArtifactKind::Prefix, key(1)));
        QVERIFY(cache.claim(ArtifactKind::Prefix, key(1)));
    }

    void severalProcessesSeeOnlyWholeEntries()
    {
        const QTemporaryDir folder;
        std::vector<std::unique_ptr<QProcess>> children;
        for (int child = 0; child < 4; ++child)
            children.push_back(
                startChild({QStringLiteral("--churn"), folder.path(), QStringLiteral("600"), QString::number(child)}));
        for (const auto& child : children) {
            QVERIFY(child->waitForFinished(60'000));
            QCOMPARE(child->exitStatus(), QProcess::NormalExit);
            QCOMPARE(child->exitCode(), 0);
        }
    }

    void killedProcessesLeaveOnlyWholeEntries()
    {
        const QTemporaryDir folder;
        for (int round = 0; round < 3; ++round) {
            std::vector<std::unique_ptr<QProcess>> children;
            for (int child = 0; child < 3; ++child)
                children.push_back(startChild(
                    {QStringLiteral("--churn"), folder.path(), QStringLiteral("-1"), QString::number(child + round)}));
            for (const auto& child : children)
                QCOMPARE(firstLineOf(*child), QByteArray("busy"));
            for (const auto& child : children) {
                ::kill(static_cast<pid_t>(child->processId()), SIGKILL);
                QVERIFY(child->waitForFinished());
            }
        }
        ArtifactCache cache(pathOf(folder), Bytes {20'000});
        int found = 0;
        for (int number = 0; number < 40; ++number) {
            const auto entry = cache.find(ArtifactKind::Statistic, key(number));
            QVERIFY(!entry || entry->content == contentOf(number));
            found += entry ? 1 : 0;
        }
        QVERIFY(found > 0);
        QVERIFY(cache.takeRemarks().empty());
        QVERIFY(put(cache, 50));
    }
};

int main(int argc, char** argv)
{
    if (argc == 5 && std::strcmp(argv[1], "--churn") == 0)
        return churn(argv[2], std::atoi(argv[3]), std::atoi(argv[4]));
    if (argc == 3 && std::strcmp(argv[1], "--claim") == 0)
        return holdClaim(argv[2]);
    QCoreApplication application(argc, argv);
    TstArtifactCache test;
    return QTest::qExec(&test, argc, argv);
}
#include "tst_artifact_cache.moc"
