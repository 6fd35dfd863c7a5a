// SPDX-License-Identifier: Apache-2.0
// What a profiler counted, and the roofs of every level of the memory.
#include "roofline/measured/counters.h"
#include "tests/roofline/sample_models.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::roofline;
using namespace paretoscope::roofline::test;

namespace {

constexpr const char* kRangeColumn = "\"thread Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg\"";

/// One row per kernel and metric, as `ncu --csv` prints it between its remarks.
QByteArray longTable(const QByteArray& rows)
{
    return QByteArray("==PROF== Connected to process 39\n") + "\"ID\",\"Kernel Name\"," + kRangeColumn +
           ",\"Metric Name\",\"Metric Unit\",\"Metric Value\"\n" + rows + "==PROF== Disconnected\n";
}

QByteArray row(int id, const char* range, const char* metric, const char* unit, const char* value)
{
    return "\"" + QByteArray::number(id) + "\",\"gemm\",\"" + range + "\",\"" + metric + "\",\"" + unit + "\",\"" +
           value + "\"\n";
}

const QByteArray kTwoRanges =
    row(0, "39:<default domain>:q_proj:none:none:none:none:none:none", "gpu__time_duration.sum", "us", "10") +
    row(0, "39:<default domain>:q_proj:none:none:none:none:none:none", "dram__bytes.sum", "Mbyte", "1.5") +
    row(0, "39:<default domain>:q_proj:none:none:none:none:none:none",
        "sm__sass_thread_inst_executed_op_ffma_pred_on.sum", "inst", "1,000,000") +
    row(1, "39:<default domain>:q_proj:none", "gpu__time_duration.sum", "nsecond", "30,000") +
    row(1, "39:<default domain>:q_proj:none", "dram__bytes.sum", "byte", "500,000") +
    row(1, "39:<default domain>:q_proj:none", "lts__t_bytes.sum", "Kbyte", "4,000") +
    row(2, "1:<default domain>:layer:none 2:<default domain>:norm:none", "gpu__time_duration.sum", "ms", "0.002") +
    row(2, "1:<default domain>:layer:none 2:<default domain>:norm:none", "dram__bytes.sum", "byte", "64");

} // namespace

class TstCounters : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void rangesAreSummed()
    {
        const Counters counters = orDie(readCounters(longTable(kTwoRanges).toStdString(), "ncu.csv"));
        QCOMPARE(counters.ranges.size(), std::size_t(2));
        const CountedRange& product = counters.ranges[0];
        QCOMPARE(product.name, std::string("q_proj"));
        QCOMPARE(product.kernels, 2);
        QCOMPARE(product.seconds, 40e-6);
        QCOMPARE(product.vectorFlops, 2e6);
        QCOMPARE(product.tensorFlops, 0.0);
        QCOMPARE(product.bytes[0].value(), 2e6);
        QCOMPARE(product.bytes[1].value(), 4e6);
        QVERIFY2(!product.bytes[2], "nobody counted L1");
        QCOMPARE(counters.ranges[1].name, std::string("norm")); // the innermost range
        QCOMPARE(counters.ranges[1].seconds, 2e-6);
    }

    /// --page raw: a column per metric, units below their names, kernels without a range by name.
    void wideTablesAreReadToo()
    {
        const QByteArray table = QByteArray("\"ID\",\"Kernel Name\",") + kRangeColumn +
                                 ",\"gpu__time_duration.sum\",\"dram__bytes.sum\",\"launch__grid_size\"\n"
                                 "\"\",\"\",\"\",\"ns\",\"Mbyte\",\"\"\n"
                                 "\"0\",\"softmax\",\"\",\"5,000\",\"2\",\"(1, 2, 3)\"\n"
                                 "\"1\",\"gemm\",\"up_proj\",\"1,000\",\"1\",\"64\"\n";
        const Counters counters = orDie(readCounters(table.toStdString(), "ncu.csv"));
        QCOMPARE(counters.ranges.size(), std::size_t(2));
        QCOMPARE(counters.ranges[0].name, std::string("softmax"));
        QCOMPARE(counters.ranges[0].seconds, 5e-6);
        QCOMPARE(counters.ranges[0].bytes[0].value(), 2e6);
        QCOMPARE(counters.ranges[1].name, std::string("up_proj"));
    }

    void flopsFollowTheirFormula_data()
    {
        QTest::addColumn<QByteArray>("metrics"); ///< name=value, separated by spaces
        QTest::addColumn<double>("vectorFlops");
        QTest::addColumn<double>("tensorFlops");
        QTest::addColumn<bool>("isFromInstructions");
        const auto addRow = [](const char* tag, const char* metrics, double vector, double tensor, bool instructions) {
            QTest::addRow("%s", tag) << QByteArray(metrics) << vector << tensor << instructions;
        };
        addRow(
            "add, mul and twice fma",
            "sm__sass_thread_inst_executed_op_fadd_pred_on.sum=1 sm__sass_thread_inst_executed_op_fmul_pred_on.sum=10 "
            "sm__sass_thread_inst_executed_op_ffma_pred_on.sum=100",
            211, 0, false);
        addRow(
            "half and double",
            "sm__sass_thread_inst_executed_op_hfma_pred_on.sum=1 smsp__sass_thread_inst_executed_op_dadd_pred_on.sum=5",
            7, 0, false);
        addRow(
            "counted in two places",
            "sm__sass_thread_inst_executed_op_ffma_pred_on.sum=3 smsp__sass_thread_inst_executed_op_ffma_pred_on.sum=3",
            6, 0, false);
        addRow("instructions of a V100", "sm__inst_executed_pipe_tensor.sum=4", 0, 2048, true);
        addRow("and those of a part of it again",
               "sm__inst_executed_pipe_tensor.sum=4 sm__inst_executed_pipe_tensor_op_hmma.sum=4", 0, 2048, true);
        addRow("the tool's own operations come first",
               "sm__inst_executed_pipe_tensor.sum=4 sm__ops_path_tensor_src_bf16_dst_fp32.sum=7000", 0, 7000, false);
        addRow("which overlap",
               "sm__ops_path_tensor_src_bf16_dst_fp32.sum=7 sm__ops_path_tensor_src_fp16_dst_fp32.sum=5 "
               "sm__ops_path_tensor_src_bf16_dst_fp32_sparsity_off.sum=7 "
               "sm__ops_path_tensor_op_hmma_src_bf16_dst_fp32.sum=7",
               0, 12, false);
        addRow("integers have no destination type",
               "sm__ops_path_tensor_src_int8.sum=9 sm__ops_path_tensor_src_fp8.sum=4 "
               "sm__ops_path_tensor_src_fp8_dst_fp32.sum=4",
               0, 13, false);
    }
    void flopsFollowTheirFormula()
    {
        QFETCH(QByteArray, metrics);
        QFETCH(double, vectorFlops);
        QFETCH(double, tensorFlops);
        QFETCH(bool, isFromInstructions);
        QByteArray rows = row(0, "", "gpu__time_duration.sum", "s", "1") + row(0, "", "dram__bytes.sum", "byte", "1");
        for (const QByteArray& metric : metrics.split(' ')) {
            const QList<QByteArray> parts = metric.split('=');
            rows += row(0, "", parts[0].constData(), "inst", parts[1].constData());
        }
        const Counters counters = orDie(readCounters(longTable(rows).toStdString(), "ncu.csv"));
        QCOMPARE(counters.ranges[0].vectorFlops, vectorFlops);
        QCOMPARE(counters.ranges[0].tensorFlops, tensorFlops);
        QCOMPARE(counters.isFromInstructions, isFromInstructions);
    }

    void damagedTablesAreRefused_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("wanted");
        const auto addRow = [](const char* tag, const QByteArray& text, const char* wanted) {
            QTest::addRow("%s", tag) << text << QByteArray(wanted);
        };
        const QByteArray bytes = row(0, "", "dram__bytes.sum", "byte", "1");
        addRow("nothing", "", "Kernel Name");
        addRow("another table", "name,kind\nconv,convolution\n", "Kernel Name");
        addRow("no kernel", longTable(""), "holds no kernel");
        addRow("no time", longTable(bytes), "gpu__time_duration.sum");
        addRow("no bytes", longTable(row(0, "", "gpu__time_duration.sum", "s", "1")), "no kernel has bytes");
        addRow("no number", longTable(bytes + row(0, "", "gpu__time_duration.sum", "s", "n/a")), "no count");
        addRow("negative", longTable(bytes + row(0, "", "gpu__time_duration.sum", "s", "-1")), "no count");
        addRow("not finite", longTable(bytes + row(0, "", "gpu__time_duration.sum", "s", "inf")), "no count");
        addRow("unknown unit", longTable(bytes + row(0, "", "gpu__time_duration.sum", "fortnight", "1")), "fortnight");
        addRow("a cell too many", longTable("\"0\",\"gemm\",\"\",\"m\",\"s\",\"1\",\"2\"\n"), "line");
        addRow("columns are missing", "\"ID\",\"Kernel Name\",\"Metric Name\"\n\"0\",\"a\",\"b\"\n", "Metric Value");
    }
    void damagedTablesAreRefused()
    {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, wanted);
        const auto read = readCounters(text.toStdString(), "ncu.csv");
        QVERIFY(!read.ok());
        QVERIFY2(read.error().sentence().find(wanted.toStdString()) != std::string::npos,
                 read.error().sentence().c_str());
    }

    /// Equal height, one intensity per level; the lowest roof is attained.
    void everyLevelHasItsRoof()
    {
        HardwareSpec device;
        device.bandwidthBytesPerSecond = 100;
        device.l2BandwidthBytesPerSecond = 400;
        const LevelBytes bytes {10.0, 80.0, 160.0};
        const std::vector<LevelPoint> points = levelPoints(320, 5000, bytes, device);
        QCOMPARE(points.size(), std::size_t(2)); // the bandwidth of L1 is not known
        QCOMPARE(points[0].intensity, 32.0);
        QCOMPARE(points[0].attainable, 3200.0);
        QCOMPARE(points[1].level, MemoryLevel::L2);
        QCOMPARE(points[1].intensity, 4.0);
        QCOMPARE(points[1].attainable, 1600.0);
        QCOMPARE(attainable(5000, points), 1600.0);
        QCOMPARE(attainable(500, levelPoints(320, 500, bytes, device)), 500.0);
        QCOMPARE(attainable(7, {}), 7.0);
    }

    void rangesAreHeldAgainstTheLowestRoof_data()
    {
        QTest::addColumn<double>("vectorFlops");
        QTest::addColumn<double>("tensorFlops");
        QTest::addColumn<double>("mainBytes");
        QTest::addColumn<double>("l2Bytes");
        QTest::addColumn<double>("share"); ///< of what one second allows; negative: no rate is stated
        QTest::addRow("bound by main memory") << 50.0 << 0.0 << 50.0 << 50.0 << 0.5;
        QTest::addRow("bound by L2") << 100.0 << 0.0 << 10.0 << 200.0 << 0.5;
        QTest::addRow("bound by vector units") << 500.0 << 0.0 << 1.0 << 1.0 << 0.5;
        QTest::addRow("bound by tensor units") << 0.0 << 2000.0 << 1.0 << 1.0 << 0.5;
        QTest::addRow("no FLOPs") << 0.0 << 0.0 << 10.0 << 10.0 << -1.0;
    }
    void rangesAreHeldAgainstTheLowestRoof()
    {
        QFETCH(double, vectorFlops);
        QFETCH(double, tensorFlops);
        QFETCH(double, mainBytes);
        QFETCH(double, l2Bytes);
        QFETCH(double, share);
        HardwareSpec device;
        device.bandwidthBytesPerSecond = 100;
        device.l2BandwidthBytesPerSecond = 400;
        device.peak(NumberType::Fp32) = 1000;
        device.peak(NumberType::Fp16) = 4000;
        const CountedRange range {.name = "gemm",
                                  .kernels = 1,
                                  .seconds = 1,
                                  .vectorFlops = vectorFlops,
                                  .tensorFlops = tensorFlops,
                                  .bytes = {mainBytes, l2Bytes, std::nullopt}};
        QCOMPARE(shareOfRoof(range, device).value_or(-1), share);
        QVERIFY(!shareOfRoof(range, {}));
    }

    /// L2 sees at least what main memory does; nothing is claimed of L1.
    void operationsKnowTwoLevels()
    {
        const Operation streamed {.name = "norm", .activationInBytes = 100, .activationOutBytes = 50};
        QCOMPARE(levelBytes(streamed)[1].value(), 150.0);
        const Operation blocked {.name = "q_proj", .weightBytes = 100, .l2Bytes = 900};
        QCOMPARE(levelBytes(blocked)[0].value(), 100.0);
        QCOMPARE(levelBytes(blocked)[1].value(), 900.0);
        QVERIFY(!levelBytes(blocked)[2]);
    }
};

QTEST_GUILESS_MAIN(TstCounters)
#include "tst_counters.moc"
