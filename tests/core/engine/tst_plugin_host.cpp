// SPDX-License-Identifier: Apache-2.0
#include "core/engine/host/plugin_host.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

const QString kBuilt = QStringLiteral(PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins");

core::StageSpec specOf(const PluginHost& host, const char* alias)
{
    const core::PluginManifest* manifest = host.catalogue().find(alias).value();
    core::StageSpec spec;
    spec.plugin = manifest->id;
    spec.version = manifest->version;
    core::Json given = core::Json::object();
    for (const core::ParameterSpec& parameter : manifest->parameters) {
        if (parameter.defaultValue.is_null()) // a path or a command; looked at when the stage is applied
            given[parameter.name] = "model";
    }
    spec.parameters = core::resolveParameters(*manifest, given).value();
    return spec;
}

} // namespace

class TstPluginHost : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyInstalledPluginIsMade()
    {
        PluginHost host({kBuilt.toStdString()});
        QVERIFY(!host.catalogue().all().empty());
        for (const core::PluginManifest& manifest : host.catalogue().all()) {
            if (manifest.kind == core::PluginKind::Export) {
                const auto exporter = host.makeExporter(manifest.id, core::Json::object());
                QVERIFY2(exporter.ok(), exporter.ok() ? "" : exporter.error().sentence().c_str());
                continue;
            }
            const auto stage = host.makeStage(specOf(host, manifest.id.c_str()));
            QVERIFY2(stage.ok(), stage.ok() ? "" : stage.error().sentence().c_str());
        }
    }

    void refusesAnotherVersion()
    {
        PluginHost host({kBuilt.toStdString()});
        core::StageSpec spec = specOf(host, "rtn");
        spec.version = "0.0.1";
        const auto stage = host.makeStage(spec);
        QVERIFY(!stage.ok());
        QCOMPARE(stage.error().code, core::ErrorCode::Unsupported);
        QVERIFY2(stage.error().message.find("0.0.1") != std::string::npos, stage.error().message.c_str());
    }

    void refusesAChangedManifest()
    {
        const QTemporaryDir folder;
        const QString target = folder.path() + QStringLiteral("/quantization/rtn");
        QVERIFY(QDir().mkpath(target));
        QVERIFY(
            QFile::copy(kBuilt + QStringLiteral("/quantization/rtn/plugin.so"), target + QStringLiteral("/plugin.so")));
        QFile original(kBuilt + QStringLiteral("/quantization/rtn/manifest.json"));
        QVERIFY(original.open(QIODevice::ReadOnly));
        QFile changed(target + QStringLiteral("/manifest.json"));
        QVERIFY(changed.open(QIODevice::WriteOnly));
        changed.write(original.readAll() + "\n");
        changed.close();
        PluginHost host({folder.path().toStdString()});
        const auto stage = host.makeStage(specOf(host, "rtn"));
        QVERIFY(!stage.ok());
        QVERIFY2(stage.error().message.find("manifest.json") != std::string::npos, stage.error().message.c_str());
    }

    void refusesALibraryThatIsNone()
    {
        const QTemporaryDir folder;
        const QString target = folder.path() + QStringLiteral("/quantization/rtn");
        QVERIFY(QDir().mkpath(target));
        QVERIFY(QFile::copy(kBuilt + QStringLiteral("/quantization/rtn/manifest.json"),
                            target + QStringLiteral("/manifest.json")));
        PluginHost host({folder.path().toStdString()});
        const auto stage = host.makeStage(specOf(host, "rtn"));
        QVERIFY(!stage.ok());
        QCOMPARE(stage.error().code, core::ErrorCode::Unsupported);
    }

    void descriptorMustFit_data()
    {
        QTest::addColumn<int>("field");
        QTest::addColumn<QByteArray>("part");
        QTest::addRow("contract") << 0 << QByteArray("contract");
        QTest::addRow("libtorch") << 1 << QByteArray("libtorch 1.0.0");
        QTest::addRow("manifest") << 2 << QByteArray("manifest.json");
        QTest::addRow("no factory") << 3 << QByteArray("makes none");
    }
    void descriptorMustFit()
    {
        QFETCH(int, field);
        QFETCH(QByteArray, part);
        core::PluginManifest manifest;
        manifest.id = "family/method";
        const std::string digest = manifest.digest.hex();
        PluginDescriptor descriptor {
            .manifestSha256 = digest.c_str(),
            .makeStage = [](const core::Json&) -> core::Result<std::unique_ptr<Stage>> { return core::Error {}; }};
        QVERIFY(checkDescriptor(descriptor, manifest).ok());
        if (field == 0)
            descriptor.apiVersion += 1;
        else if (field == 1)
            descriptor.libtorchVersion = "1.0.0";
        else if (field == 2)
            descriptor.manifestSha256 = "00";
        else
            descriptor.makeStage = nullptr;
        const core::Status status = checkDescriptor(descriptor, manifest);
        QVERIFY(!status.ok());
        QVERIFY2(QByteArray::fromStdString(status.error().message).contains(part), status.error().message.c_str());
    }
};

QTEST_GUILESS_MAIN(TstPluginHost)
#include "tst_plugin_host.moc"
