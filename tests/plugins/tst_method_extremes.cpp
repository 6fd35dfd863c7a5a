// SPDX-License-Identifier: Apache-2.0
// Every method at both ends of the range of each of its numbers, and with each of its words, on layers of odd sizes.
#include "tests/plugins/every_method.h"
#include "tests/plugins/quantization/family_fixture.h"

#include <QtTest>

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

using namespace paretoscope;

namespace {

/// What only costs time at the upper end.
bool isEffort(const std::string& parameter)
{
    constexpr std::array kEfforts {"epochs", "rounds", "steps", "scale_grid", "clip_grid"};
    return std::find(kEfforts.begin(), kEfforts.end(), parameter) != kEfforts.end();
}

/// The ends of the range, what is allowed beside it, and all words.
std::vector<core::Json> extremesOf(const core::ParameterSpec& parameter)
{
    std::vector<core::Json> values = parameter.special;
    values.insert(values.end(), parameter.allowed.begin(), parameter.allowed.end());
    if (parameter.type == core::ParameterType::Boolean)
        values.insert(values.end(), {true, false});
    const auto number = [&](double value) {
        return parameter.type == core::ParameterType::Integer ? core::Json(std::int64_t(value)) : core::Json(value);
    };
    if (parameter.minimum)
        values.push_back(number(parameter.minimumExcluded
                                    ? std::nextafter(*parameter.minimum, std::numeric_limits<double>::infinity())
                                    : *parameter.minimum));
    if (parameter.maximum && !isEffort(parameter.name))
        values.push_back(number(*parameter.maximum));
    return values;
}

} // namespace

class TstMethodExtremes : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); } // tensors this small are slower on more

    void endsInWeightsOrInWords_data()
    {
        QTest::addColumn<QByteArray>("before");
        QTest::addColumn<QByteArray>("plugin");
        QTest::addColumn<QByteArray>("parameters"); // JSON
        const auto catalogue = core::PluginCatalogue::scan({PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"});
        for (const tests::MethodUnderTest& method : tests::everyMethod()) {
            for (const core::ParameterSpec& parameter : catalogue.find(method.plugin).value()->parameters) {
                for (const core::Json& value : extremesOf(parameter)) {
                    core::Json parameters = method.parameters;
                    parameters[parameter.name] = value;
                    QTest::addRow("%s: %s = %s", method.name.c_str(), parameter.name.c_str(), value.dump().c_str())
                        << QByteArray::fromStdString(method.before) << QByteArray::fromStdString(method.plugin)
                        << QByteArray::fromStdString(parameters.dump());
                }
            }
        }
    }
    void endsInWeightsOrInWords()
    {
        QFETCH(QByteArray, before);
        QFETCH(QByteArray, plugin);
        QFETCH(QByteArray, parameters);
        const c10::InferenceMode noGradients;
        tests::FamilyFixture fixture(tests::kFamilies / "llama_rope3"); // 48 and 88 inputs
        QVERIFY(before.isEmpty() || fixture.run(before.constData(), core::Json::object()).ok());
        const core::Status done = fixture.run(plugin.constData(), core::Json::parse(parameters.toStdString()));
        if (!done.ok()) {
            QVERIFY2(done.error().code == core::ErrorCode::InvalidArgument ||
                         done.error().code == core::ErrorCode::Numerical,
                     done.error().sentence().c_str());
            QVERIFY2(!done.error().hint.empty(), done.error().message.c_str());
            qInfo("%s", done.error().sentence().c_str());
            return;
        }
        for (const engine::Unit& unit : fixture.model->graph().view().units)
            QVERIFY2(fixture.tensors.read(unit.tensor).value().isfinite().all().item<bool>(), unit.module.c_str());
        QVERIFY(fixture.logits(fixture.tensors).isfinite().all().item<bool>());
    }
};

QTEST_GUILESS_MAIN(TstMethodExtremes)
#include "tst_method_extremes.moc"
