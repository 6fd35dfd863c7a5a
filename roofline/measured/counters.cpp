// SPDX-License-Identifier: Apache-2.0
#include "roofline/measured/counters.h"

#include "core/table/table_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

namespace paretoscope::roofline {

namespace {

using core::Error;
using core::ErrorCode;

constexpr std::string_view kTime = "gpu__time_duration.sum";
constexpr std::array<std::string_view, kMemoryLevels> kBytes {"dram__bytes.sum", "lts__t_bytes.sum",
                                                              "l1tex__t_bytes.sum"};
constexpr std::string_view kTensorInstructions = "sm__inst_executed_pipe_tensor";
constexpr std::string_view kTensorOperations = "sm__ops_path_tensor_";

/// Metrics of one kernel, in base units.
struct Kernel
{
    std::string name;
    std::map<std::string, double, std::less<>> metrics = {};

    double value(std::string_view metric) const
    {
        const auto found = metrics.find(metric);
        return found == metrics.end() ? 0 : found->second;
    }
};

struct Unit
{
    std::string_view name;
    double size;
};
constexpr std::array kUnits {Unit {"", 1},           Unit {"inst", 1},  Unit {"byte", 1},       Unit {"B", 1},
                             Unit {"Kbyte", 1e3},    Unit {"KB", 1e3},  Unit {"Mbyte", 1e6},    Unit {"MB", 1e6},
                             Unit {"Gbyte", 1e9},    Unit {"GB", 1e9},  Unit {"Tbyte", 1e12},   Unit {"TB", 1e12},
                             Unit {"second", 1},     Unit {"s", 1},     Unit {"msecond", 1e-3}, Unit {"ms", 1e-3},
                             Unit {"usecond", 1e-6}, Unit {"us", 1e-6}, Unit {"nsecond", 1e-9}, Unit {"ns", 1e-9}};

Error damaged(std::string_view what, const std::string& problem)
{
    return {ErrorCode::Corrupt, std::string(what) + ": " + problem,
            "export it by ncu --csv, with --page raw if you like"};
}

/// The metrics that are read; of all others neither value nor unit matters.
bool isWanted(std::string_view metric)
{
    return metric == kTime || std::find(kBytes.begin(), kBytes.end(), metric) != kBytes.end() ||
           (metric.ends_with("_pred_on.sum") &&
            metric.find("sass_thread_inst_executed_op_") != std::string_view::npos) ||
           (metric.starts_with(kTensorInstructions) && metric.ends_with(".sum")) ||
           (metric.starts_with(kTensorOperations) && metric.ends_with(".sum"));
}

core::Result<double> valueOf(std::string_view what, const std::string& metric, std::string cell,
                             const std::string& unit)
{
    std::erase(cell, ','); // between thousands
    double value = 0;
    const auto [end, failure] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (failure != std::errc() || end != cell.data() + cell.size() || !(value >= 0) || !std::isfinite(value))
        return damaged(what, metric + " is \"" + cell.substr(0, 40) + "\", which is no count");
    const auto known = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& each) { return each.name == unit; });
    if (known == kUnits.end())
        return damaged(what, metric + " is in " + unit.substr(0, 40) + ", a unit that is not known here");
    return value * known->size;
}

/// The innermost range of "…<default domain>:name:none:…", several of them one behind the other; a bare name as it is.
std::string innermostRange(const std::string& cell)
{
    constexpr std::string_view kDomain = "domain>:";
    const std::size_t domain = cell.rfind(kDomain);
    const std::size_t begin = domain == std::string::npos ? 0 : domain + kDomain.size();
    return cell.substr(begin, cell.find(':', begin) - begin);
}

/// Which cells of a row tell what.
class Header
{
public:
    explicit Header(const std::vector<std::string>& cells)
        : m_cells(cells)
    {}

    std::optional<std::size_t> find(std::string_view name) const
    {
        const auto found = std::find(m_cells.begin(), m_cells.end(), name);
        return found == m_cells.end() ? std::nullopt : std::optional<std::size_t>(found - m_cells.begin());
    }
    std::optional<std::size_t> range() const
    {
        const auto found = std::find_if(m_cells.begin(), m_cells.end(), [](const std::string& cell) {
            return cell.find("Push/Pop_Range") != std::string::npos;
        });
        return found == m_cells.end() ? std::nullopt : std::optional<std::size_t>(found - m_cells.begin());
    }
    /// Under what the kernel of this row is summed.
    std::string nameOf(const std::vector<std::string>& row) const
    {
        if (const auto place = range(); place && !row[*place].empty())
            return innermostRange(row[*place]);
        return row[*find("Kernel Name")];
    }
    const std::vector<std::string>& cells() const { return m_cells; }

private:
    const std::vector<std::string>& m_cells;
};

/// A row per kernel and metric; rows of one kernel have one ID.
core::Result<std::vector<Kernel>> readLong(const core::TextRows& rows, const Header& header, std::string_view what)
{
    const auto metric = header.find("Metric Name");
    const auto unit = header.find("Metric Unit");
    const auto value = header.find("Metric Value");
    const auto id = header.find("ID");
    if (!unit || !value || !id)
        return damaged(what, "the columns ID, Metric Unit and Metric Value belong to Metric Name");
    std::vector<Kernel> kernels;
    std::map<std::string, std::size_t> known;
    for (std::size_t i = 1; i < rows.size(); ++i) {
        const std::vector<std::string>& row = rows[i];
        const auto [place, isNew] = known.try_emplace(row[*id], kernels.size());
        if (isNew)
            kernels.push_back({header.nameOf(row)});
        if (!isWanted(row[*metric]))
            continue;
        PSC_ASSIGN(kernels[place->second].metrics[row[*metric]], valueOf(what, row[*metric], row[*value], row[*unit]));
    }
    return kernels;
}

/// A row per kernel and a column per metric; their units stand in the row below the names.
core::Result<std::vector<Kernel>> readWide(const core::TextRows& rows, const Header& header, std::string_view what)
{
    std::vector<Kernel> kernels;
    for (std::size_t i = 2; i < rows.size(); ++i) {
        Kernel& kernel = kernels.emplace_back(Kernel {header.nameOf(rows[i])});
        for (std::size_t column = 0; column < header.cells().size(); ++column) {
            const std::string& metric = header.cells()[column];
            if (!isWanted(metric) || rows[i][column].empty())
                continue;
            PSC_ASSIGN(kernel.metrics[metric], valueOf(what, metric, rows[i][column], rows[1][column]));
        }
    }
    return kernels;
}

double vectorFlops(const Kernel& kernel)
{
    double flops = 0;
    for (const char* type : {"h", "f", "d"}) {
        for (const auto& [operation, count] :
             {std::pair {"add", 1.0}, std::pair {"mul", 1.0}, std::pair {"fma", 2.0}}) {
            const std::string rest = std::string("__sass_thread_inst_executed_op_") + type + operation + "_pred_on.sum";
            const double bySm = kernel.value("sm" + rest);
            flops += count * (bySm > 0 ? bySm : kernel.value("smsp" + rest)); // the same, counted in another place
        }
    }
    return flops;
}

/// The tool's own numbers overlap: one per pair of types, where there are pairs also their sum per source, and parts of
/// them for sparse products and for each pipeline.
std::optional<double> tensorOperations(const Kernel& kernel)
{
    std::optional<double> all;
    for (const auto& [metric, value] : kernel.metrics) {
        const bool isPart =
            metric.find("_sparsity_") != std::string::npos || metric.find("tensor_op_") != std::string::npos;
        if (!metric.starts_with(kTensorOperations) || isPart)
            continue;
        const std::string pairs = metric.substr(0, metric.size() - std::string_view(".sum").size()) + "_dst_";
        const auto pair = kernel.metrics.lower_bound(pairs);
        const bool isSumOfPairs = pair != kernel.metrics.end() && pair->first.starts_with(pairs);
        if (!isSumOfPairs)
            all = all.value_or(0) + value;
    }
    return all;
}

double tensorInstructions(const Kernel& kernel)
{
    double most = 0; // sub-pipelines are counted again in the whole
    for (const auto& [metric, value] : kernel.metrics)
        most = metric.starts_with(kTensorInstructions) ? std::max(most, value) : most;
    return most;
}

/// Lines that the profiler and the program printed before the table do not belong to it.
std::string_view tableOf(std::string_view text)
{
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = text.substr(begin, end - begin);
        if (line.find("Kernel Name") != std::string_view::npos && line.find(',') != std::string_view::npos)
            return text.substr(begin);
        begin = end + 1;
    }
    return {};
}

/// Without what the profiler printed between and after the rows.
std::string withoutRemarks(std::string_view table)
{
    std::string kept;
    for (std::size_t begin = 0; begin < table.size();) {
        const std::size_t end = std::min(table.find('\n', begin), table.size());
        const std::string_view line = table.substr(begin, end - begin);
        if (!line.starts_with("==") && !line.empty() && line != "\r")
            kept.append(line).push_back('\n');
        begin = end + 1;
    }
    return kept;
}

void add(Counters& counters, const Kernel& kernel, double tensorFlopsPerInstruction)
{
    auto range = std::find_if(counters.ranges.begin(), counters.ranges.end(),
                              [&](const CountedRange& each) { return each.name == kernel.name; });
    if (range == counters.ranges.end())
        range = counters.ranges.insert(range, CountedRange {.name = kernel.name});
    ++range->kernels;
    range->seconds += kernel.value(kTime);
    range->vectorFlops += vectorFlops(kernel);
    const std::optional<double> operations = tensorOperations(kernel);
    const double instructions = operations ? 0 : tensorInstructions(kernel);
    counters.isFromInstructions = counters.isFromInstructions || instructions > 0;
    range->tensorFlops += operations.value_or(0) + instructions * tensorFlopsPerInstruction;
    for (std::size_t level = 0; level < kMemoryLevels; ++level) {
        if (const auto bytes = kernel.metrics.find(kBytes[level]); bytes != kernel.metrics.end())
            range->bytes[level] = range->bytes[level].value_or(0) + bytes->second;
    }
}

std::optional<double> peakFor(const CountedRange& range, const HardwareSpec& hardware)
{
    if (range.tensorFlops <= 0)
        return hardware.peak(NumberType::Fp32);
    return hardware.peak(NumberType::Bf16) ? hardware.peak(NumberType::Bf16) : hardware.peak(NumberType::Fp16);
}

} // namespace

std::optional<double> shareOfRoof(const CountedRange& range, const HardwareSpec& hardware)
{
    const std::optional<double> peak = peakFor(range, hardware);
    if (!peak)
        return std::nullopt;
    const double roof = attainable(*peak, levelPoints(range.flops(), *peak, range.bytes, hardware));
    return roof > 0 ? std::optional(range.flops() / range.seconds / roof) : std::nullopt;
}

core::Result<Counters> readCounters(std::string_view text, std::string_view what, double tensorFlopsPerInstruction)
{
    const std::string table = withoutRemarks(tableOf(text));
    if (table.empty())
        return damaged(what, "there is no table with a column Kernel Name");
    PSC_ASSIGN(const core::TextRows rows, core::parseCsv(table, what));
    const Header header(rows.front());
    if (!header.find("Kernel Name"))
        return damaged(what, "there is no table with a column Kernel Name");
    PSC_ASSIGN(const std::vector<Kernel> kernels,
               header.find("Metric Name") ? readLong(rows, header, what) : readWide(rows, header, what));
    Counters counters;
    for (const Kernel& kernel : kernels) {
        if (kernel.value(kTime) <= 0)
            return damaged(what, "of " + kernel.name.substr(0, 80) + " there is no " + std::string(kTime));
        add(counters, kernel, tensorFlopsPerInstruction);
    }
    if (counters.ranges.empty())
        return damaged(what, "the table holds no kernel");
    const bool hasBytes = std::any_of(counters.ranges.begin(), counters.ranges.end(), [](const CountedRange& range) {
        return std::any_of(range.bytes.begin(), range.bytes.end(), [](const auto& bytes) { return bytes.has_value(); });
    });
    if (!hasBytes)
        return damaged(what, "no kernel has bytes (dram__bytes.sum, lts__t_bytes.sum, l1tex__t_bytes.sum)");
    return counters;
}

} // namespace paretoscope::roofline
