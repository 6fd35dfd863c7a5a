// SPDX-License-Identifier: Apache-2.0
#include "core/accounting/stored_model.h"

#include <QtTest>

using namespace paretoscope::core;

namespace {

StoredModel sample()
{
    StoredModel model;
    model.add({.bits = {1000}});
    model.add({.bits = {400}, .codeBits = 4, .isInteger = true});
    model.add({.bits = {400}, .codeBits = 4, .isInteger = true});
    model.add({.bits = {900}, .kept = 2, .of = 4, .density = 0.5});
    model.add({.bits = {300}, .rank = 8, .isProduct = true});
    model.add({.bits = {800}, .codeBits = 8, .isInteger = true, .inputBits = 8});
    return model;
}

} // namespace

class TstStoredModel : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void equalFormsStandOnce()
    {
        const Json json = toJson(sample());
        QCOMPARE(json["forms"]["bits"].size(), std::size_t(5));
        QCOMPARE(QString::fromStdString(json["tensors"].get<std::string>()), QStringLiteral("ABBCDE"));
        QCOMPARE(sample().formOf(1), sample().formOf(2));
        QVERIFY(!toJson(StoredModel())["forms"].contains("integer")); // what is as usual is left out
        QCOMPARE(sample().bytes().value, std::int64_t(3800 / 8));
    }

    void readsBackWhatWasWritten_data()
    {
        QTest::addColumn<int>("forms");
        QTest::addRow("none") << 0;
        QTest::addRow("one character") << 62;
        QTest::addRow("two characters") << 63;
        QTest::addRow("three characters") << 3845;
    }
    void readsBackWhatWasWritten()
    {
        QFETCH(int, forms);
        StoredModel model = sample();
        model.worksAtRunTime = true;
        for (int i = int(toJson(model)["forms"]["bits"].size()); i < forms; ++i)
            model.add({.bits = {i}, .codeBits = 3, .density = 0.25, .rank = i});
        const auto read = storedModelFromJson(toJson(model));
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QVERIFY(read.value() == model);
        QCOMPARE(read.value().bytes().value, model.bytes().value);
    }

    void refusesWhatIsNoRecord_data()
    {
        QTest::addColumn<QByteArray>("json");
        QTest::addColumn<QByteArray>("message");
        const auto row = [](const char* name, const char* json, const char* message) {
            QTest::addRow("%s", name) << QByteArray(json) << QByteArray(message);
        };
        row("no object", "[]", "stored tensors");
        row("no forms", R"({"tensors": "A"})", "forms");
        row("forms of no object", R"({"forms": [1], "tensors": "A"})", "stored forms");
        row("no sizes", R"({"forms": {"code_bits": [4]}, "tensors": "A"})", "bits");
        row("too few values", R"({"forms": {"bits": [1, 2], "rank": [1]}, "tensors": "AB"})", "rank");
        row("a value of another type", R"({"forms": {"bits": [1], "integer": [1]}, "tensors": "A"})", "integer");
        row("too large a pattern", R"({"forms": {"bits": [1], "kept": [4294967298], "of": [4]}, "tensors": "A"})",
            "kept");
        row("negative size", R"({"forms": {"bits": [-1], "code_bits": [4]}, "tensors": "A"})", "bits");
        row("codes of no width", R"({"forms": {"bits": [1], "code_bits": [0]}, "tensors": "A"})", "code_bits");
        row("huge codes", R"({"forms": {"bits": [1], "code_bits": [1e30]}, "tensors": "A"})", "code_bits");
        row("density", R"({"forms": {"bits": [1], "code_bits": [4], "density": [1.5]}, "tensors": "A"})", "density");
        row("inputs", R"({"forms": {"bits": [1], "code_bits": [8], "input_bits": [-8]}, "tensors": "A"})",
            "input_bits");
        row("pattern", R"({"forms": {"bits": [1], "code_bits": [4], "kept": [5], "of": [4]}, "tensors": "A"})", "kept");
        row("product without rank", R"({"forms": {"bits": [1], "code_bits": [4], "product": [true]}, "tensors": "A"})",
            "rank");
        row("a form that is not there", R"({"forms": {"bits": [1], "code_bits": [4]}, "tensors": "AB"})", "tensors");
        row("no digit", R"({"forms": {"bits": [1], "code_bits": [4]}, "tensors": "A?"})", "tensors");
    }
    void refusesWhatIsNoRecord()
    {
        QFETCH(QByteArray, json);
        QFETCH(QByteArray, message);
        const auto read = storedModelFromJson(Json::parse(json.toStdString()));
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, ErrorCode::Corrupt);
        QVERIFY2(read.error().message.find(message.toStdString()) != std::string::npos, read.error().message.c_str());
    }
};

QTEST_GUILESS_MAIN(TstStoredModel)
#include "tst_stored_model.moc"
