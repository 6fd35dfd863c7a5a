// SPDX-License-Identifier: Apache-2.0
// roofline --measure with the real worker: what a user types, never how fast the machine is.
#include "tests/app/program_call.h"

#include <QJsonArray>
#include <QTemporaryDir>
#include <QtTest>

namespace {

const QString kModel = QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama");

QStringList withModel(const QStringList& options)
{
    return QStringList {QStringLiteral("roofline"), kModel} + options;
}

} // namespace

class TstMeasuredRoofline : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        m_measured = callProgram(withModel({QStringLiteral("--measure"), QStringLiteral("--quick"),
                                            QStringLiteral("--threads=2"), QStringLiteral("--json")}),
                                 setting());
        QVERIFY2(m_measured.status == 0, qPrintable(m_measured.described()));
    }

    void profileHoldsCeilingsAndSteps()
    {
        const QJsonObject json = m_measured.json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.roofline-measure/1"));
        const QJsonValue profile = json[QLatin1String("profile")];
        QCOMPARE(profile[QLatin1String("name")].toString(), QStringLiteral("local"));
        QCOMPARE(profile[QLatin1String("threads")].toInt(), 2);
        QVERIFY(profile[QLatin1String("rates")].toArray().size() >= 12);
        for (const QJsonValue& rate : profile[QLatin1String("rates")].toArray())
            QVERIFY(rate[QLatin1String("per_second")].toDouble() > 0);
        QCOMPARE(json[QLatin1String("steps")].toArray().size(), 4);
        const QJsonArray parts = json[QLatin1String("parts")].toArray();
        QCOMPARE(parts.size(), 4 * 13);
        for (const QJsonValue& part : parts) {
            for (const char* name : {"measured_seconds", "ideal_seconds", "calibrated_seconds", "left_out_seconds"})
                QVERIFY2(part[QLatin1String(name)].toDouble() > 0, name);
            QVERIFY(!part[QLatin1String("operations")].toArray().isEmpty());
        }
        const QJsonValue errors = profile[QLatin1String("calibration")][QLatin1String("errors")];
        QVERIFY2(errors[QLatin1String("kinds")][QLatin1String("mean_relative")].toDouble() <=
                     errors[QLatin1String("ideal")][QLatin1String("mean_relative")].toDouble(),
                 "what was fitted fits better than the ceilings");
    }

    void progressIsShown()
    {
        QVERIFY(m_measured.errText().contains(QLatin1String("measuring this machine")));
        QVERIFY(m_measured.errText().contains(QLatin1String("machines/local.json")));
    }

    void hardwareKnowsTheProfile()
    {
        const ProgramCall list =
            callProgram({QStringLiteral("hardware"), QStringLiteral("list"), QStringLiteral("--json")}, setting());
        QVERIFY2(list.out.contains("\"name\":\"local\""), qPrintable(list.described()));
        const ProgramCall show = callProgram(
            {QStringLiteral("hardware"), QStringLiteral("show"), QStringLiteral("local"), QStringLiteral("--json")},
            setting());
        QVERIFY(show.json()[QLatin1String("source")].toString().startsWith(QLatin1String("measured ")));
        const ProgramCall predicted =
            callProgram(withModel({QStringLiteral("--hardware=local"), QStringLiteral("--activation-bits=32"),
                                   QStringLiteral("--json")}),
                        setting());
        QVERIFY2(predicted.status == 0, qPrintable(predicted.described()));
    }

    void calibratedModePredictsOurEngine()
    {
        const ProgramCall call = callProgram(
            withModel({QStringLiteral("--mode=calibrated"), QStringLiteral("--prompt=32"), QStringLiteral("--json")}),
            setting());
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonObject json = call.json();
        QCOMPARE(json[QLatin1String("mode")].toString(), QStringLiteral("calibrated"));
        QCOMPARE(json[QLatin1String("settings")][QLatin1String("weight_bits")].toDouble(), 32.0);
        // It is the calibrated prefill that the measurement printed for the same setting.
        for (const QJsonValue& step : m_measured.json()[QLatin1String("steps")].toArray()) {
            if (step[QLatin1String("phase")] != QLatin1String("prefill") || step[QLatin1String("batch")].toInt() != 1)
                continue;
            const double wanted = step[QLatin1String("calibrated_seconds")].toDouble();
            const double seconds =
                json[QLatin1String("results")][QLatin1String("time_to_first_token_seconds")].toDouble();
            QVERIFY(qAbs(seconds / wanted - 1) < 1e-9);
        }
        const ProgramCall text =
            callProgram(withModel({QStringLiteral("--mode=calibrated"), QStringLiteral("--prompt=32")}), setting());
        QVERIFY(text.outText().contains(QLatin1String("calibrated roofline")));
    }

    /// In a project, and as a file that another machine may read.
    void profileIsKeptWhereItIsWanted()
    {
        const QString file = m_folder.path() + QStringLiteral("/node.json");
        const QString project = m_folder.path() + QStringLiteral("/a.pscope");
        const ProgramCall call =
            callProgram({QStringLiteral("roofline"), QStringLiteral("--measure"), QStringLiteral("--quick"),
                         QStringLiteral("--threads=1"), QStringLiteral("--name=node"), QStringLiteral("--out"), file,
                         QStringLiteral("--project"), project},
                        setting());
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        QVERIFY(call.outText().contains(QLatin1String("dram_triad")));
        QVERIFY(!QFile::exists(m_folder.path() + QStringLiteral("/config/paretoscope/machines/node.json")));
        const ProgramCall show = callProgram({QStringLiteral("hardware"), QStringLiteral("show"),
                                              QStringLiteral("node"), QStringLiteral("--hardware-file"), file},
                                             setting());
        QVERIFY2(show.status == 0, qPrintable(show.described()));
        const ProgramCall sound = callProgram({QStringLiteral("verify"), project}, setting());
        QVERIFY2(sound.status == 0, qPrintable(sound.described()));
        const ProgramCall predicted =
            callProgram(withModel({QStringLiteral("--mode=calibrated"), QStringLiteral("--hardware=node"),
                                   QStringLiteral("--project"), project}),
                        setting());
        QVERIFY2(predicted.errText().contains(QLatin1String("measured without a model")),
                 qPrintable(predicted.described()));
    }

    void mistakesAreNamed_data()
    {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QString>("wanted");
        const QString measure = QStringLiteral("--measure");
        QTest::addRow("name") << QStringList {measure, QStringLiteral("--name=a/b")} << QStringLiteral("no name");
        QTest::addRow("device") << QStringList {measure, QStringLiteral("--device=gpu")} << QStringLiteral("gpu");
        QTest::addRow("quick alone") << QStringList {QStringLiteral("--quick")} << QStringLiteral("--measure");
        QTest::addRow("no profile") << QStringList {QStringLiteral("--mode=calibrated"),
                                                    QStringLiteral("--hardware=box")}
                                    << QStringLiteral("no machine profile");
        QTest::addRow("formats") << QStringList {QStringLiteral("--mode=calibrated"), QStringLiteral("--weight-bits=4")}
                                 << QStringLiteral("our own engine");
    }
    void mistakesAreNamed()
    {
        QFETCH(QStringList, options);
        QFETCH(QString, wanted);
        const ProgramCall call = callProgram(withModel(options), setting());
        QVERIFY(call.status != 0);
        QVERIFY2(call.errText().contains(wanted), qPrintable(call.described()));
    }

private:
    ProgramSetting setting() const
    {
        return {.folder = m_folder.path(),
                .input = {},
                .environment = {QStringLiteral("XDG_CONFIG_HOME=%1/config").arg(m_folder.path()),
                                QStringLiteral("XDG_CACHE_HOME=%1/cache").arg(m_folder.path())},
                .milliseconds = 120'000};
    }

    QTemporaryDir m_folder;
    ProgramCall m_measured;
};

QTEST_GUILESS_MAIN(TstMeasuredRoofline)
#include "tst_measured_roofline.moc"
