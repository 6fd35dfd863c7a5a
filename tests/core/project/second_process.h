// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QProcess>
#include <QString>
#include <QStringList>

#include <filesystem>
#include <map>
#include <string>

namespace paretoscope::core {

/// The program writer_process beside the tests; killed at the latest when this object goes.
class SecondProcess
{
public:
    explicit SecondProcess(const QStringList& arguments);
    ~SecondProcess();

    /// The next line it says, "" when it says no more (or nothing for half a minute).
    QString line();
    /// Lines up to the first that starts with `start`, which is returned; "" when there is none.
    QString lineStarting(const QString& start);
    QStringList remainingLines(); ///< until it ends
    void write(const QString& line);
    void kill();   ///< SIGKILL, and waits for its end
    bool finish(); ///< closes its input and waits; whether it ended with exit code 0
    qint64 id() const { return m_process.processId(); }

private:
    QProcess m_process;
};

/// The template of a QTemporaryDir in memory where there is one: many syncs cost nothing there, and a killed process
/// does not notice the difference.
QString folderInMemory();

/// SHA-256 of each file below `folder`, by name. The process must have none of these files open through SQLite.
std::map<std::string, std::string> contentOf(const std::filesystem::path& folder);

} // namespace paretoscope::core

/// Stops the test with the error's sentence.
#define VERIFY_OK(expression)                                                                                          \
    do {                                                                                                               \
        const auto& verified = (expression);                                                                           \
        QVERIFY2(verified.ok(), verified.ok() ? "" : verified.error().sentence().c_str());                             \
    } while (false)

/// Stops the test unless `expression` failed with `expectedCode` and a hint.
#define VERIFY_ERROR(expression, expectedCode)                                                                         \
    do {                                                                                                               \
        const auto& verified = (expression);                                                                           \
        QVERIFY2(!verified.ok(), "it should have failed");                                                             \
        QVERIFY2(verified.error().code == (expectedCode), verified.error().sentence().c_str());                        \
        QVERIFY2(!verified.error().hint.empty(), verified.error().sentence().c_str());                                 \
    } while (false)
