// SPDX-License-Identifier: Apache-2.0
#include "core/project/merge/merge.h"
#include "core/project/project_store.h"
#include "core/project/published_point.h"
#include "verify_ok.h"

#include <QTemporaryDir>
#include <QtTest>

#include <functional>
#include <tuple>

using namespace paretoscope::core;

namespace {

PublishedPoint samplePoint()
{
    return {.method = "GPTQ",
            .model = "Llama-2-7B",
            .dataSet = "wikitext-2",
            .metric = "wikitext2_ppl@2048",
            .value = 5.25,
            .unit = "nat",
            .xMetric = "bits_per_weight",
            .xValue = 4.125,
            .conditions = {{"bits", 4}, {"group", 128}},
            .source = "a paper, table 3",
            .url = "https://example.org/paper",
            .confidence = "readme",
            .recordedUtc = "2025-01-31T10:00:00.000Z"};
}

bool samePoint(const PublishedPoint& a, const PublishedPoint& b)
{
    const auto fields = [](const PublishedPoint& p) {
        return std::tie(p.method, p.model, p.dataSet, p.metric, p.value, p.unit, p.xMetric, p.xValue, p.conditions,
                        p.source, p.url, p.confidence, p.recordedUtc);
    };
    return fields(a) == fields(b);
}

using Edit = std::function<void(PublishedPoint&)>;

} // namespace
Q_DECLARE_METATYPE(Edit)

class TstPublishedPoints : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void pointReadsBackEqual()
    {
        PublishedPoint bare = samplePoint();
        bare.xValue.reset();
        bare.xMetric.clear();
        bare.conditions = Json::object();
        ProjectStore store = project("a");
        const auto added = store.recordPublishedPoints(std::vector {samplePoint(), bare});
        VERIFY_OK(added);
        QCOMPARE(added.value(), 2);
        const auto points = store.publishedPoints();
        VERIFY_OK(points);
        QCOMPARE(points.value().size(), 2u);
        QVERIFY(samePoint(points.value().front(), samplePoint()));
        QVERIFY(samePoint(points.value().back(), bare));
    }

    void samePointIsNotDoubled()
    {
        ProjectStore store = project("a");
        VERIFY_OK(store.recordPublishedPoints(std::vector {samplePoint()}));
        PublishedPoint later = samplePoint();
        later.recordedUtc.clear(); // now
        const auto added = store.recordPublishedPoints(std::vector {later, later});
        VERIFY_OK(added);
        QCOMPARE(added.value(), 0);
        QCOMPARE(store.publishedPoints().value().size(), 1u);
    }

    void whatDiffersIsAnotherPoint_data()
    {
        QTest::addColumn<Edit>("edit");
        QTest::addColumn<bool>("sharesAxes");
        const auto row = [](const char* name, Edit edit, bool sharesAxes) {
            QTest::addRow("%s", name) << std::move(edit) << sharesAxes;
        };
        row(
            "method", [](PublishedPoint& p) { p.method = "RTN"; }, true);
        row(
            "model", [](PublishedPoint& p) { p.model = "Llama-2-70B"; }, true);
        row(
            "value", [](PublishedPoint& p) { p.value = 5.5; }, true);
        row(
            "place on the axis", [](PublishedPoint& p) { p.xValue = 3; }, true);
        row(
            "conditions", [](PublishedPoint& p) { p.conditions["bits"] = 3; }, true);
        row(
            "source", [](PublishedPoint& p) { p.source = "another paper"; }, true);
        row(
            "confidence", [](PublishedPoint& p) { p.confidence = "abstract"; }, true);
        row(
            "address", [](PublishedPoint& p) { p.url.clear(); }, true);
        row(
            "context length", [](PublishedPoint& p) { p.metric = "wikitext2_ppl@4096"; }, false);
        row(
            "data set", [](PublishedPoint& p) { p.dataSet = "C4"; }, false);
        row(
            "unit", [](PublishedPoint& p) { p.unit = "bit"; }, false);
        row(
            "second axis", [](PublishedPoint& p) { p.xMetric = "model_size_GB"; }, false);
    }
    void whatDiffersIsAnotherPoint()
    {
        QFETCH(Edit, edit);
        QFETCH(bool, sharesAxes);
        PublishedPoint other = samplePoint();
        edit(other);
        QCOMPARE(other.sharesAxesWith(samplePoint()), sharesAxes);
        ProjectStore store = project("a");
        const auto added = store.recordPublishedPoints(std::vector {samplePoint(), other});
        VERIFY_OK(added);
        QCOMPARE(added.value(), 2);
    }

    void doubtIsRead_data()
    {
        QTest::addColumn<QString>("source");
        QTest::addColumn<QString>("confidence");
        QTest::addColumn<bool>("isVerified");
        QTest::addRow("a readme") << "the README"
                                  << "readme" << true;
        QTest::addRow("marked source") << "UNVERIFIED: a paper; written from memory"
                                       << "" << false;
        QTest::addRow("recalled") << "a paper, main table"
                                  << "recalled" << false;
        QTest::addRow("recalled abstract") << "an abstract (recalled)"
                                           << "" << false;
    }
    void doubtIsRead()
    {
        QFETCH(QString, source);
        QFETCH(QString, confidence);
        PublishedPoint point = samplePoint();
        point.source = source.toStdString();
        point.confidence = confidence.toStdString();
        QTEST(point.isVerified(), "isVerified");
    }

    void mergeTakesPointsOnce()
    {
        PublishedPoint other = samplePoint();
        other.method = "AWQ";
        VERIFY_OK(project("a").recordPublishedPoints(std::vector {samplePoint()}));
        PublishedPoint later = samplePoint();
        later.recordedUtc = "2026-01-31T10:00:00.000Z";
        VERIFY_OK(project("b").recordPublishedPoints(std::vector {later, other}));
        for (int time = 0; time < 2; ++time)
            VERIFY_OK(mergeProjects({file("a"), file("b")}, file("c"), false));
        const auto points = project("c").publishedPoints();
        VERIFY_OK(points);
        QCOMPARE(points.value().size(), 2u);
    }

private:
    std::filesystem::path file(const char* name) const
    {
        return std::filesystem::path(m_folder->path().toStdString()) / (std::string(name) + ".pscope");
    }
    ProjectStore project(const char* name) const
    {
        auto store = ProjectStore::open(file(name), OpenMode::Create);
        if (!store.ok())
            qFatal("%s", store.error().sentence().c_str());
        return std::move(store).value();
    }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TstPublishedPoints)
#include "tst_published_points.moc"
