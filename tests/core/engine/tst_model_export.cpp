// SPDX-License-Identifier: Apache-2.0
// Models of trials in the formats of other software: what is read back from the folder is what the trial evaluated.
#include "core/checkpoint/checkpoint.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "trial_fixture.h"

#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;

namespace {

core::Result<core::Json> exported(const SweepUnderTest& sweep, std::size_t trial, const std::string& format,
                                  const std::filesystem::path& folder, const core::Json& parameters)
{
    engine::TrialRunner runner(optionsFor());
    Observer observer;
    core::TrialRequest request = sweep.request(trial);
    request.measurements.clear();
    std::filesystem::create_directories(folder);
    return runner.exportModel({std::move(request), format, parameters, folder}, observer);
}

/// What a reader of the folder gives, as float32.
at::Tensor valuesIn(const core::Checkpoint& checkpoint, const std::string& tensor)
{
    const core::TensorInfo* info = checkpoint.find(tensor);
    if (!info)
        return {};
    at::Tensor values = at::empty(info->shape, at::kFloat);
    const std::span<float> out {values.mutable_data_ptr<float>(), std::size_t(values.numel())};
    return checkpoint.readFloat32(tensor, out).ok() ? values : at::Tensor();
}

} // namespace

class TstModelExport : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { QVERIFY(m_folder.isValid()); }

    void whatIsReadBackIsWhatWasEvaluated_data()
    {
        QTest::addColumn<QString>("stage");
        QTest::addColumn<QString>("format");
        QTest::addColumn<QString>("dtype");
        QTest::addColumn<bool>("isExact"); // every value is held as the trial had it
        const auto row = [](const char* stage, const char* format, const char* dtype, bool isExact) {
            QTest::addRow("%s %s of %s", format, dtype, stage) << stage << format << dtype << isExact;
        };
        row("rtn: {bits: 4, group_size: 32}", "hf", "float32", true);
        row("rtn: {bits: 4, group_size: 32}", "hf", "source", false);
        row("rtn: {bits: 4, group_size: 32}", "hf", "float16", false);
        row("rtn: {bits: 4, group_size: 32, symmetric: true}", "compressed-tensors", "", true);
        row("rtn: {bits: 3, group_size: 32}", "compressed-tensors", "", true);
        row("rtn: {bits: 8, group_size: -1, symmetric: true}", "compressed-tensors", "", true);
        row("gptq: {bits: 4, group_size: 32}", "compressed-tensors", "", true);
        row("rtn: {bits: 4, group_size: 32, symmetric: true}", "gptq", "", true);
        row("rtn: {bits: 2, group_size: 32}", "gptq", "", true);
        row("gptq: {bits: 3, group_size: 32}", "gptq", "", true);
        row("rtn: {bits: 8, group_size: -1}", "gptq", "", true);
        row("rtn: {bits: 4, group_size: 32, symmetric: true}", "awq", "", true);
        row("gptq: {bits: 4, group_size: 32}", "awq", "", true);
    }
    void whatIsReadBackIsWhatWasEvaluated()
    {
        QFETCH(QString, stage);
        QFETCH(QString, format);
        QFETCH(QString, dtype);
        QFETCH(bool, isExact);
        const SweepUnderTest sweep("  - [" + stage.toStdString() + "]\n", 2);
        const core::Json parameters =
            dtype.isEmpty() ? core::Json::object() : core::Json {{"dtype", dtype.toStdString()}};
        const auto document = exported(sweep, 0, format.toStdString(), folder(), parameters);
        QVERIFY2(document.ok(), document.ok() ? "" : document.error().sentence().c_str());
        const core::Json& test = document.value().at("self_test");
        QVERIFY(test.at("tokens").get<int>() >= 1000);
        qInfo("logits differ by at most %g, KL %g", test.at("largest_logit_difference").get<double>(),
              test.at("kl_divergence").get<double>());
        if (isExact)
            QCOMPARE(test.at("largest_logit_difference").get<double>(), 0.0);
        else
            QVERIFY(test.at("kl_divergence").get<double>() < 1e-4);

        const auto written = core::openCheckpoint(folder());
        QVERIFY2(written.ok(), written.ok() ? "" : written.error().sentence().c_str());
        const auto original = core::openCheckpoint(sweep.sweep.workload.model);
        const std::string norm = "model.layers.1.input_layernorm.weight";
        const at::Tensor kept = valuesIn(*written.value(), norm);
        QVERIFY(at::equal(kept, valuesIn(*original.value(), norm)));
        QVERIFY(std::filesystem::exists(folder() / "tokenizer.json"));
    }

    void layersMayDifferInCompressedTensors()
    {
        const SweepUnderTest sweep("  - [rtn: {bits: 3, group_size: 32, include: ['*.mlp.*']}, rtn: {bits: 8, "
                                   "group_size: 64, include: ['*.q_proj', '*.k_proj']}]\n",
                                   2);
        const auto document = exported(sweep, 0, "compressed-tensors", folder(), core::Json::object());
        QVERIFY2(document.ok(), document.ok() ? "" : document.error().sentence().c_str());
        QCOMPARE(document.value().at("self_test").at("largest_logit_difference").get<double>(), 0.0);
    }

    void whatAFormatCannotHoldIsRefusedBeforeWriting_data()
    {
        QTest::addColumn<QString>("pipeline");
        QTest::addColumn<QString>("format");
        QTest::addColumn<QString>("says");
        const auto row = [](const char* tag, const char* pipeline, const char* format, const char* says) {
            QTest::addRow("%s", tag) << pipeline << format << says;
        };
        row("nothing quantised", "[]", "gptq", "no weight of this trial");
        row("unknown format", "[]", "onnx", "no export format \"onnx\"");
        row("unknown parameter", "[]", "hf", "dtype");
        row("5 bit", "[rtn: {bits: 5, group_size: 32}]", "gptq", "5 bit");
        row("3 bit", "[rtn: {bits: 3, group_size: 32}]", "awq", "4 bit only");
        row("layers that differ", "[rtn: {bits: 4, group_size: 32, include: ['*.mlp.*']}]", "awq", "not quantised");
        row("scales", "[rtn: {bits: 4, group_size: 32, scale_dtype: float32}]", "compressed-tensors", "not float16");
        row("groups in another order", "[gptq: {bits: 4, group_size: 32, activation_order: dynamic}]", "gptq",
            "another order");
        row("a group that is cut off", "[rtn: {bits: 4, group_size: 48}]", "gptq", "no multiple of the group size");
    }
    void whatAFormatCannotHoldIsRefusedBeforeWriting()
    {
        QFETCH(QString, pipeline);
        QFETCH(QString, format);
        QFETCH(QString, says);
        const SweepUnderTest sweep("  - " + pipeline.toStdString() + "\n", 2);
        const core::Json parameters =
            format == QStringLiteral("hf") ? core::Json {{"dtype", "int4"}} : core::Json::object();
        const auto document = exported(sweep, 0, format.toStdString(), folder(), parameters);
        QVERIFY(!document.ok());
        const QString sentence = QString::fromStdString(document.error().sentence());
        QVERIFY2(sentence.contains(says), qPrintable(sentence));
        QVERIFY(std::filesystem::is_empty(folder()));
    }

private:
    std::filesystem::path folder() const
    {
        const QString tag = QString::fromUtf8(QTest::currentDataTag() ? QTest::currentDataTag() : "plain");
        return m_folder.filePath(QString::number(qHash(tag)) + QString::fromUtf8(QTest::currentTestFunction()))
            .toStdString();
    }

    QTemporaryDir m_folder;
};

QTEST_GUILESS_MAIN(TstModelExport)
#include "tst_model_export.moc"
