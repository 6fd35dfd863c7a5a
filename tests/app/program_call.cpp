// SPDX-License-Identifier: Apache-2.0
#include "tests/app/program_call.h"

#include <QProcess>

QJsonObject ProgramCall::json() const
{
    // One document and one newline, nothing before or after.
    if (!out.endsWith('\n') || out.count('\n') != 1)
        return {};
    return QJsonDocument::fromJson(out).object();
}

QString ProgramCall::described() const
{
    return QStringLiteral("exit status %1\nstdout: %2\nstderr: %3").arg(status).arg(outText(), errText());
}

QString programPath()
{
    return QStringLiteral(PARETOSCOPE_BUILD_TREE "/bin/paretoscope");
}

QProcessEnvironment programEnvironment(const ProgramSetting& setting)
{
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    for (const QString& name : environment.keys()) {
        const bool ours = name.startsWith(QLatin1String("PARETOSCOPE_")) &&
                          name != QLatin1String("PARETOSCOPE_PREFIX") && name != QLatin1String("PARETOSCOPE_MODELS");
        if (ours || name.startsWith(QLatin1String("CLICOLOR")) || name == QLatin1String("NO_COLOR"))
            environment.remove(name);
    }
    // Settings of the person who runs the tests must not count; an absolute path that does not exist is an empty one.
    environment.insert(QStringLiteral("XDG_CONFIG_HOME"), QStringLiteral("/nonexistent"));
    // No verb may need a display.
    environment.remove(QStringLiteral("DISPLAY"));
    environment.remove(QStringLiteral("WAYLAND_DISPLAY"));
    environment.insert(QStringLiteral("QT_QPA_PLATFORM"), QStringLiteral("there-is-none"));
    for (const QString& assignment : setting.environment)
        environment.insert(assignment.section(QLatin1Char('='), 0, 0), assignment.section(QLatin1Char('='), 1));
    return environment;
}

ProgramCall callProgram(const QStringList& arguments, const ProgramSetting& setting)
{
    QProcess process;
    process.setProcessEnvironment(programEnvironment(setting));
    if (!setting.folder.isEmpty())
        process.setWorkingDirectory(setting.folder);
    process.start(programPath(), arguments);
    process.write(setting.input);
    process.closeWriteChannel();
    ProgramCall call;
    if (!process.waitForFinished(setting.milliseconds)) {
        process.kill();
        process.waitForFinished();
        call.err = "the program did not end in time\n";
    } else {
        call.status = process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1;
    }
    call.out = process.readAllStandardOutput();
    call.err += process.readAllStandardError();
    return call;
}
