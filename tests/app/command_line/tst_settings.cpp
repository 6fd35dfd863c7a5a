// SPDX-License-Identifier: Apache-2.0
#include "app/command_line/settings.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::app;

class TstSettings : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void environmentComesBeforeTheFile()
    {
        const Settings settings = read("jobs = 3\n# comment\n\n memory-budget=4GiB \n");
        QCOMPARE(settings.find("jobs")->value, std::string("9"));
        QCOMPARE(settings.find("jobs")->origin, std::string("PARETOSCOPE_JOBS"));
        QCOMPARE(settings.find("memory-budget")->value, std::string("4GiB"));
        QCOMPARE(settings.find("memory-budget")->origin, m_file.toStdString());
        QVERIFY(!settings.find("device"));
        QVERIFY(settings.problems().empty());
    }

    void wrongLinesAreToldAndPassedOver()
    {
        const Settings settings = read("jbos = 3\nnonsense\ndevice = cpu\n");
        QCOMPARE(settings.problems().size(), std::size_t(2));
        const std::string first = settings.problems()[0].sentence();
        QVERIFY(first.find("batch.conf:1: there is no setting \"jbos\"") != std::string::npos);
        QVERIFY(first.find("did you mean \"jobs\"") != std::string::npos);
        QVERIFY(settings.problems()[1].message.find(":2: \"nonsense\"") != std::string::npos);
        QCOMPARE(settings.find("device")->value, std::string("cpu"));
    }

    void missingFileIsAnEmptyOne()
    {
        const Settings settings =
            Settings::read("/nonexistent/batch.conf", [](const char*) { return std::nullopt; }, {"jobs"});
        QVERIFY(settings.problems().empty());
        QVERIFY(!settings.find("jobs"));
    }

private:
    Settings read(const char* content)
    {
        m_file = m_folder.filePath(QStringLiteral("batch.conf"));
        QFile file(m_file);
        if (file.open(QIODevice::WriteOnly))
            file.write(content);
        file.close();
        const auto environment = [](const char* name) {
            return std::string_view(name) == "PARETOSCOPE_JOBS" ? std::optional<std::string>("9") : std::nullopt;
        };
        return Settings::read(m_file.toStdString(), environment, {"jobs", "memory-budget", "device"});
    }

    QTemporaryDir m_folder;
    QString m_file;
};

QTEST_GUILESS_MAIN(TstSettings)
#include "tst_settings.moc"
