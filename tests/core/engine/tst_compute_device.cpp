// SPDX-License-Identifier: Apache-2.0
#include "bystanders.h"
#include "core/engine/device/compute_device.h"
#include "core/engine/device/cuda_driver.h"
#include "core/engine/trial_runner.h"

#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

bool mentions(const core::Error& error, const char* text)
{
    return error.message.find(text) != std::string::npos;
}

} // namespace

class TstComputeDevice : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void driverVersionIsRead_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addColumn<std::string>("version");
        QTest::addRow("closed module")
            << std::string("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023")
            << std::string("535.129.03");
        QTest::addRow("open module")
            << std::string("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build")
            << std::string("580.95.05");
        QTest::addRow("two parts") << std::string("NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.82  Fri")
                                   << std::string("470.82");
        QTest::addRow("no driver") << std::string() << std::string();
    }
    void driverVersionIsRead()
    {
        QFETCH(std::string, text);
        QFETCH(std::string, version);
        QCOMPARE(nvidiaDriverVersionIn(text), version);
    }

    void namesAreParsed_data()
    {
        QTest::addColumn<std::string>("name");
        QTest::addColumn<bool>("isKnown");
        for (const char* name : {"cpu", "cuda:0", "cuda:12"})
            QTest::addRow("%s", name) << std::string(name) << true;
        for (const char* name : {"", "gpu", "cuda", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "cuda:1x", "cuda:999",
                                 "cuda:99999999999999999999", "CPU", "cpu:0", "meta"})
            QTest::addRow("not %s", name) << std::string(name) << false;
    }

    void namesAreParsed()
    {
        QFETCH(std::string, name);
        QFETCH(bool, isKnown);
        const auto device = parseDevice(name);
        QCOMPARE(device.has_value(), isKnown);
        if (isKnown)
            QCOMPARE(device->str(), name);
        else
            QVERIFY(openDevice(name).error().code == core::ErrorCode::InvalidArgument);
    }

    void theCpuIsThere() { QVERIFY(openDevice("cpu").ok()); }

    void aMissingDriverIsNamed()
    {
        const auto cards = cudaCards("libno-such-driver.so.1");
        QVERIFY(!cards.ok());
        QVERIFY(mentions(cards.error(), "no NVIDIA driver") && mentions(cards.error(), "libno-such-driver.so.1"));
        QVERIFY(cards.error().hint.find("--device cpu") != std::string::npos);
    }

    void aLibraryThatIsNoDriverIsNamed()
    {
        const auto cards = cudaCards("libc.so.6");
        QVERIFY(!cards.ok() && mentions(cards.error(), "is not an NVIDIA driver"));
    }

    void aLibtorchWithoutCudaIsNamed()
    {
        QTemporaryDir folder;
        const auto loaded = loadCudaLibraries(folder.path().toStdString());
        QVERIFY(!loaded.ok() && mentions(loaded.error(), "no libtorch_cuda.so"));
    }

    void aBrokenLibraryIsNamed()
    {
        QTemporaryDir folder;
        QFile file(folder.filePath(QStringLiteral("libtorch_cuda.so")));
        QVERIFY(file.open(QIODevice::WriteOnly) && file.write("text") == 4);
        file.close();
        const auto loaded = loadCudaLibraries(folder.path().toStdString());
        QVERIFY(!loaded.ok() && mentions(loaded.error(), "cannot be loaded"));
        QVERIFY(loaded.error().hint.find("nvidia-") != std::string::npos);
    }

    void libtorchIsFound() { QVERIFY(std::filesystem::exists(libtorchFolder() / "libtorch_cpu.so")); }

    /// Never the numbers of another device under this one's name.
    void aCardThatIsNotThereIsRefused()
    {
        const auto cards = cudaCards();
        const std::string name = "cuda:" + std::to_string(cards.ok() ? cards.value().size() : 0);
        RunnerOptions options;
        options.device = name;
        options.architectures = PARETOSCOPE_RESOURCES "/architectures";
        TrialRunner runner(options);
        QVERIFY(!runner.ready().ok());
        tests::SilentObserver observer;
        const auto done = runner.evaluate({{"model", PARETOSCOPE_RESOURCES "/models/tiny-llama"}}, observer);
        QVERIFY(!done.ok());
        QVERIFY(mentions(done.error(), name.c_str()));
        QVERIFY(!done.error().hint.empty());
        QVERIFY(mentions(done.error(), cards.ok() ? "the NVIDIA driver shows" : "NVIDIA driver"));
    }
};

QTEST_GUILESS_MAIN(TstComputeDevice)
#include "tst_compute_device.moc"
