// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QByteArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcessEnvironment>
#include <QString>
#include <QStringList>

/// One call of the built program and all that came of it.
struct ProgramCall
{
    int status = -1;
    QByteArray out;
    QByteArray err;

    QString outText() const { return QString::fromUtf8(out); }
    QString errText() const { return QString::fromUtf8(err); }
    /// The one JSON document on stdout; an empty object when it is not exactly one.
    QJsonObject json() const;
    QString described() const; ///< for failure messages
};

/// The surroundings of a call: no terminal, no settings of the person who runs the tests.
struct ProgramSetting
{
    QString folder; ///< working directory
    QByteArray input;
    QStringList environment; ///< "NAME=value"
    int milliseconds = 60'000;
};

QString programPath();
QProcessEnvironment programEnvironment(const ProgramSetting& setting);
ProgramCall callProgram(const QStringList& arguments, const ProgramSetting& setting = {});
