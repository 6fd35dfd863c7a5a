// SPDX-License-Identifier: Apache-2.0
#include "app/command_line/man_page.h"
#include "app/verbs/verb_table.h"

#include <QProcess>
#include <QStandardPaths>
#include <QtTest>

using namespace paretoscope::app;

namespace {

/// What a reader of the page sees.
QString shown(const std::string& page)
{
    QString text = QString::fromStdString(page);
    return text.replace(QLatin1String("\\-"), QLatin1String("-")).replace(QLatin1String("\\e"), QLatin1String("\\"));
}

const QString kWritten = QStringLiteral(PARETOSCOPE_SOURCE_TREE "/packaging/man/");

/// `name` is a verb, a file of packaging/man, or empty for the overview.
QString pageOf(const QString& name)
{
    if (QFile file(kWritten + name); !name.isEmpty() && file.open(QIODevice::ReadOnly))
        return QString::fromUtf8(file.readAll());
    return QString::fromStdString(name.isEmpty() ? programManual() : verbManual(*findVerb(name.toStdString())));
}

} // namespace

class TstManPage : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyOptionIsInThePage()
    {
        for (const VerbEntry& entry : verbTable()) {
            const QString page = shown(verbManual(entry));
            const auto verb = entry.make();
            CommonOptions common;
            const OptionTable table = optionsOf(*verb, common);
            for (const OptionSpec& spec : table.specs())
                QVERIFY2(page.contains(QString::fromStdString(spec.name)), spec.name.c_str());
            for (const char* part : {"EXIT STATUS", "75", "SEE ALSO"})
                QVERIFY2(page.contains(QLatin1String(part)), part);
        }
    }

    void overviewNamesEveryVerb()
    {
        const QString page = shown(programManual());
        for (const std::string& name : verbNames())
            QVERIFY2(page.contains(QStringLiteral("paretoscope-%1(1)").arg(QString::fromStdString(name))),
                     name.c_str());
    }

    void linterIsContent_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addRow("overview") << QString();
        for (const std::string& name : verbNames())
            QTest::addRow("%s", name.c_str()) << QString::fromStdString(name);
        for (const QString& name : QDir(kWritten).entryList(QDir::Files))
            QTest::addRow("%s", qPrintable(name)) << name;
    }
    void linterIsContent()
    {
        QFETCH(QString, name);
        bool isChecked = false;
        const QList<QStringList> linters {{QStringLiteral("mandoc"), QStringLiteral("-T"), QStringLiteral("lint"),
                                           QStringLiteral("-W"), QStringLiteral("warning")},
                                          {QStringLiteral("groff"), QStringLiteral("-man"), QStringLiteral("-ww"),
                                           QStringLiteral("-z"), QStringLiteral("-T"), QStringLiteral("utf8")}};
        for (const QStringList& linter : linters) {
            if (QStandardPaths::findExecutable(linter.front()).isEmpty())
                continue;
            isChecked = true;
            QProcess process;
            process.setProcessChannelMode(QProcess::MergedChannels);
            process.start(linter.front(), linter.mid(1));
            process.write(pageOf(name).toUtf8());
            process.closeWriteChannel();
            QVERIFY(process.waitForFinished());
            QString said = QString::fromUtf8(process.readAll());
            // A date would make two builds differ.
            said.remove(QRegularExpression(QStringLiteral("[^\\n]*missing date[^\\n]*\\n")));
            QVERIFY2(said.isEmpty(), qPrintable(linter.front() + QStringLiteral(": ") + said));
        }
        if (!isChecked)
            QSKIP("neither mandoc nor groff is installed");
    }
};

QTEST_GUILESS_MAIN(TstManPage)
#include "tst_man_page.moc"
