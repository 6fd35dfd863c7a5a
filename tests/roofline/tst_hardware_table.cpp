// SPDX-License-Identifier: Apache-2.0
#include "roofline/hardware/hardware_table.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::roofline;

namespace {

HardwareTable bundled()
{
    auto table = HardwareTable::read(PARETOSCOPE_RESOURCES "/hardware.csv");
    return table.ok() ? std::move(table).value() : HardwareTable();
}

} // namespace

class TstHardwareTable : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void readsTheBundledDevices()
    {
        const HardwareTable table = bundled();
        QCOMPARE(table.all().size(), std::size_t(100));
        for (const HardwareSpec& device : table.all()) {
            QVERIFY2(!device.source.empty(), device.name.c_str());
            QVERIFY2(device.bandwidthBytesPerSecond >= 1e9, device.name.c_str());
        }
    }

    void convertsUnits()
    {
        const HardwareTable table = bundled();
        const auto found = table.find("nvidia a100 sxm 80gb");
        QVERIFY(found.ok());
        const HardwareSpec& device = *found.value();
        QCOMPARE(device.name, std::string("NVIDIA A100 SXM 80GB"));
        QCOMPARE(device.bandwidthBytesPerSecond, 2039e9);
        QCOMPARE(device.memoryBytes.value(), 80e9);
        QCOMPARE(device.peak(NumberType::Bf16).value(), 312e12);
        QCOMPARE(device.peak(NumberType::Fp32).value(), 19.5e12);
        QCOMPARE(device.peak(NumberType::Int8).value(), 624e12);
        QVERIFY(!device.peak(NumberType::Fp8));
        QVERIFY(device.sparse24);
        QCOMPARE(device.onchipBufferBytes.value(), 27648e3);
        QCOMPARE(device.interconnectBytesPerSecond.value(), 600e9);
        QCOMPARE(device.tdpWatts.value(), 400.0);
        QCOMPARE(device.ridgePoint(NumberType::Bf16).value(), 312e12 / 2039e9);
        QVERIFY(!device.ridgePoint(NumberType::Fp8));
    }

    void missingInt8StaysMissing()
    {
        const HardwareTable table = bundled();
        const auto found = table.find("intel_13900k");
        QVERIFY(found.ok());
        QVERIFY(!found.value()->peak(NumberType::Int8));
        QVERIFY(!found.value()->memoryBytes);
    }

    void namesTheNearDevice()
    {
        const HardwareTable table = bundled();
        const auto found = table.find("nvidia_A100_80");
        QVERIFY(!found.ok());
        QCOMPARE(found.error().code, core::ErrorCode::NotFound);
        QVERIFY2(found.error().hint.find("nvidia_A100_80G") != std::string::npos, found.error().hint.c_str());
    }

    void laterFilesReplaceAndAdd()
    {
        HardwareTable table = bundled();
        const core::Status status = table.add("name,bandwidth_GBps,fp32_TFLOPS,l2_MB,processors\n"
                                              "nvidia_a100,1600,,40,108\n"
                                              "my box,51.2,0.9,,\n",
                                              "mine.csv");
        QVERIFY2(status.ok(), status.ok() ? "" : status.error().sentence().c_str());
        QCOMPARE(table.all().size(), std::size_t(101));
        const HardwareSpec& replaced = *table.find("nvidia_A100").value();
        QCOMPARE(replaced.bandwidthBytesPerSecond, 1600e9);
        QVERIFY(!replaced.peak(NumberType::Fp16));
        QCOMPARE(replaced.l2Bytes.value(), 40e6);
        QCOMPARE(replaced.processors.value(), 108);
        QCOMPARE(table.find("my box").value()->peak(NumberType::Fp32).value(), 0.9e12);
    }

    void refusesHostileFiles_data()
    {
        QTest::addColumn<QByteArray>("csv");
        QTest::addColumn<QByteArray>("message");
        const auto row = [](const char* tag, const char* csv, const char* message) {
            QTest::addRow("%s", tag) << QByteArray(csv) << QByteArray(message);
        };
        row("zero", "name,bandwidth_GBps\nx,0\n", "bandwidth_GBps \"0\" is not above 0");
        row("negative", "name,bandwidth_GBps\nx,-5\n", "bandwidth_GBps \"-5\" is not above 0");
        row("huge", "name,bandwidth_GBps\nx,1e30\n", "bandwidth_GBps \"1e30\" is beyond any device");
        row("huge peak", "name,bandwidth_GBps,fp16_TFLOPS\nx,1,1e30\n", "fp16_TFLOPS \"1e30\" is beyond any device");
        row("not a number", "name,bandwidth_GBps,fp16_TFLOPS\nx,1,nan\n", "fp16_TFLOPS \"nan\" is not a number");
        row("infinite", "name,bandwidth_GBps\nx,inf\n", "bandwidth_GBps \"inf\" is not a number");
        row("overflow", "name,bandwidth_GBps\nx,1e999\n", "is not a number");
        row("text behind", "name,bandwidth_GBps\nx,5 GB\n", "bandwidth_GBps \"5 GB\" is not a number");
        row("denormal", "name,bandwidth_GBps,memory_GB\nx,1,-0\n", "memory_GB \"-0\" is not above 0");
        row("no bandwidth", "name,bandwidth_GBps\nx,\n", "x has no bandwidth");
        row("no bandwidth column", "name,memory_GB\nx,4\n", "one column \"bandwidth_GBps\"");
        row("no name", "name,bandwidth_GBps\n,5\n", "the device has no name");
        row("twice", "name,bandwidth_GBps\nx,5\nX,6\n", "line 3: X stands twice");
        row("unknown column", "name,bandwidth_GBps,bandwith\nx,5,6\n", "unknown column \"bandwith\"");
        row("sparse", "name,bandwidth_GBps,sparse_2_4\nx,5,yes\n", "sparse_2_4 is \"yes\"");
        row("ragged", "name,bandwidth_GBps\nx\n", "mine.csv");
    }
    void refusesHostileFiles()
    {
        QFETCH(QByteArray, csv);
        QFETCH(QByteArray, message);
        HardwareTable table = bundled();
        const core::Status status = table.add(csv.toStdString(), "mine.csv");
        QVERIFY(!status.ok());
        const std::string sentence = status.error().sentence();
        QVERIFY2(sentence.find(message.toStdString()) != std::string::npos, sentence.c_str());
        QVERIFY(!status.error().hint.empty());
        QCOMPARE(table.all().size(), std::size_t(100)); // nothing of a refused file is kept
    }

    void whatIsWrittenReadsBack()
    {
        const HardwareTable table = bundled();
        HardwareTable again;
        const auto status = again.add(hardwareCsv(table.all()), "written.csv");
        QVERIFY2(status.ok(), status.ok() ? "" : status.error().sentence().c_str());
        QCOMPARE(again.all().size(), table.all().size());
        for (std::size_t i = 0; i < table.all().size(); ++i) {
            for (const std::string& column : hardwareColumns())
                QCOMPARE(hardwareCell(again.all()[i], column), hardwareCell(table.all()[i], column));
            QCOMPARE(again.all()[i].bandwidthBytesPerSecond, table.all()[i].bandwidthBytesPerSecond);
            QCOMPARE(again.all()[i].peaks, table.all()[i].peaks);
        }
    }

    void cellsMakeADevice_data()
    {
        QTest::addColumn<QByteArray>("column");
        QTest::addColumn<QByteArray>("cell");
        QTest::addColumn<QByteArray>("said");
        QTest::addRow("fine") << QByteArray("memory_GB") << QByteArray("24") << QByteArray();
        QTest::addRow("no number") << QByteArray("memory_GB") << QByteArray("lots") << QByteArray("memory_GB \"lots\"");
        QTest::addRow("negative") << QByteArray("TDP_W") << QByteArray("-3") << QByteArray("not above 0");
        QTest::addRow("no bandwidth") << QByteArray("bandwidth_GBps") << QByteArray() << QByteArray("no bandwidth");
        QTest::addRow("no name") << QByteArray("name") << QByteArray() << QByteArray("no name");
        QTest::addRow("unknown column") << QByteArray("colour") << QByteArray("red") << QByteArray("unknown column");
    }
    void cellsMakeADevice()
    {
        QFETCH(QByteArray, column);
        QFETCH(QByteArray, cell);
        QFETCH(QByteArray, said);
        std::map<std::string, std::string> cells {{"name", "Mine"}, {"bandwidth_GBps", "100"}};
        cells[column.toStdString()] = cell.toStdString();
        const auto device = hardwareFromCells(cells);
        QCOMPARE(device.ok(), said.isEmpty());
        if (device.ok())
            QCOMPARE(device.value().memoryBytes.value(), 24e9);
        else
            QVERIFY2(device.error().message.find(said.toStdString()) != std::string::npos,
                     device.error().message.c_str());
    }
};

QTEST_GUILESS_MAIN(TstHardwareTable)
#include "tst_hardware_table.moc"
