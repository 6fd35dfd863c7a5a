// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/jobs/processes.h"

#include <QByteArray>
#include <QElapsedTimer>
#include <QProcess>
#include <QProcessEnvironment>
#include <QString>
#include <QStringList>

#include <algorithm>
#include <csignal>
#include <map>

namespace paretoscope::tests {

/// Who gets a signal.
enum class Victim
{
    Worker,
    Workers,
    Coordinator,
    All
};

struct SweepCommand
{
    QString program; ///< the coordinator
    QStringList arguments;
    QString worker; ///< its worker program
    std::map<QString, QString> environment {};
    int deadline = 40'000; ///< of the run, whatever is done to it, milliseconds
};

/// One run of a sweep in processes that carry a mark in their environment, and with them all they start.
class DisturbedRun
{
public:
    DisturbedRun(const SweepCommand& command, const QString& mark)
        : m_mark("PARETOSCOPE_TEST_MARK=" + mark.toUtf8())
        , m_worker(command.worker)
        , m_deadline(command.deadline)
    {
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert(QStringLiteral("PARETOSCOPE_TEST_MARK"), mark);
        for (const auto& [name, value] : command.environment)
            environment.insert(name, value);
        m_process.setProcessEnvironment(environment);
        m_clock.start();
        m_process.start(command.program, command.arguments);
        m_process.waitForStarted();
    }

    /// Waits for so many lines of output, then that long, so that the moment falls into the sweep however fast the
    /// machine is.
    void waitFor(int lines, int milliseconds)
    {
        while (output().count('\n') < lines && m_process.waitForReadyRead(m_deadline)) {
        }
        m_process.waitForFinished(milliseconds);
    }
    /// @return whether there was somebody to get it
    bool signal(Victim victim, int number)
    {
        QList<qint64> victims = victim == Victim::Coordinator ? QList<qint64>() : workers();
        if (victim == Victim::Worker)
            victims = victims.mid(0, 1);
        if ((victim == Victim::Coordinator || victim == Victim::All) && m_process.state() == QProcess::Running)
            victims << m_process.processId();
        for (const qint64 process : victims)
            ::kill(static_cast<pid_t>(process), number);
        return !victims.isEmpty();
    }
    /// @return whether it does before its deadline
    bool ends()
    {
        const qint64 left = std::max<qint64>(1, m_deadline - m_clock.elapsed());
        return m_process.state() == QProcess::NotRunning || m_process.waitForFinished(static_cast<int>(left));
    }
    qint64 milliseconds() const { return m_clock.elapsed(); } ///< since the start
    /// -1: killed
    int exitCode() const { return m_process.exitStatus() == QProcess::NormalExit ? m_process.exitCode() : -1; }
    QByteArray errors() { return m_process.readAllStandardError(); }
    const QByteArray& output()
    {
        m_output += m_process.readAllStandardOutput();
        return m_output;
    }
    /// Processes with its mark, whatever their program.
    QList<qint64> processes() const { return processesOf({}, m_mark); }

private:
    QList<qint64> workers() const { return processesOf(m_worker, m_mark); }

    QByteArray m_mark;
    QString m_worker;
    int m_deadline;
    QProcess m_process;
    QElapsedTimer m_clock;
    QByteArray m_output;
};

} // namespace paretoscope::tests
