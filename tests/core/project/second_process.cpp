// SPDX-License-Identifier: Apache-2.0
#include "second_process.h"

#include "core/base/sha256.h"

#include <QDir>
#include <QFileInfo>

namespace paretoscope::core {

namespace {
constexpr int kPatienceMs = 30'000;
}

SecondProcess::SecondProcess(const QStringList& arguments)
{
    m_process.setProcessChannelMode(QProcess::ForwardedErrorChannel);
    m_process.start(QStringLiteral(PARETOSCOPE_BUILD_TREE "/tests/writer_process"), arguments);
    m_process.waitForStarted(kPatienceMs);
}

SecondProcess::~SecondProcess()
{
    if (m_process.state() != QProcess::NotRunning)
        kill();
}

QString SecondProcess::line()
{
    while (!m_process.canReadLine()) {
        if (!m_process.waitForReadyRead(kPatienceMs))
            break;
    }
    return QString::fromUtf8(m_process.readLine()).trimmed();
}

QString SecondProcess::lineStarting(const QString& start)
{
    for (QString next = line(); !next.isEmpty(); next = line()) {
        if (next.startsWith(start))
            return next;
    }
    return {};
}

QStringList SecondProcess::remainingLines()
{
    if (m_process.state() != QProcess::NotRunning)
        m_process.waitForFinished(kPatienceMs);
    return QString::fromUtf8(m_process.readAllStandardOutput()).split(QLatin1Char('\n'), Qt::SkipEmptyParts);
}

void SecondProcess::write(const QString& line)
{
    m_process.write(line.toUtf8() + '\n');
    m_process.waitForBytesWritten(kPatienceMs);
}

void SecondProcess::kill()
{
    m_process.kill();
    m_process.waitForFinished(kPatienceMs);
}

bool SecondProcess::finish()
{
    m_process.closeWriteChannel();
    return m_process.waitForFinished(kPatienceMs) && m_process.exitStatus() == QProcess::NormalExit &&
           m_process.exitCode() == 0;
}

QString folderInMemory()
{
    const QFileInfo memory(QStringLiteral("/dev/shm"));
    const QString place = memory.isDir() && memory.isWritable() ? memory.filePath() : QDir::tempPath();
    return place + QStringLiteral("/paretoscope-test-XXXXXX");
}

std::map<std::string, std::string> contentOf(const std::filesystem::path& folder)
{
    std::map<std::string, std::string> content;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const Result<Sha256Digest> digest = sha256OfFile(entry.path());
        content[entry.path().filename().string()] = digest.ok() ? digest.value().hex() : digest.error().message;
    }
    return content;
}

} // namespace paretoscope::core
