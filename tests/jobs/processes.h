// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QDir>
#include <QFile>
#include <QList>

#include <csignal>

namespace paretoscope::tests {

inline bool isAlive(qint64 pid)
{
    return pid > 0 && ::kill(static_cast<pid_t>(pid), 0) == 0;
}

/// The processes of this machine whose program is `program` (empty: any) and whose environment holds `mark`.
inline QList<qint64> processesOf(const QString& program, const QByteArray& mark = {})
{
    QList<qint64> found;
    for (const QString& entry : QDir(QStringLiteral("/proc")).entryList(QDir::Dirs)) {
        bool isNumber = false;
        const qint64 pid = entry.toLongLong(&isNumber);
        if (!isNumber ||
            (!program.isEmpty() && QFile::symLinkTarget(QStringLiteral("/proc/%1/exe").arg(pid)) != program))
            continue;
        QFile environment(QStringLiteral("/proc/%1/environ").arg(pid));
        if (mark.isEmpty() || (environment.open(QIODevice::ReadOnly) && environment.readAll().contains(mark)))
            found << pid;
    }
    return found;
}

} // namespace paretoscope::tests
