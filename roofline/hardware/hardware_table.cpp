// SPDX-License-Identifier: Apache-2.0
#include "roofline/hardware/hardware_table.h"

#include "core/base/mapped_file.h"
#include "core/base/near_miss.h"
#include "core/table/table_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>

namespace paretoscope::roofline {

namespace {

using core::Error;
using core::ErrorCode;

/// Hundreds of times more than anything built; a value above it is a slip of the unit or nonsense.
constexpr double kMostBytesPerSecond = 1e17;
constexpr double kMostOperationsPerSecond = 1e19;
constexpr double kMostBytes = 1e17;

/// A column of numbers: where it stands in a device, in which unit, and what is possible, in SI units.
struct NumberColumn
{
    std::string_view name;
    double unit;
    double most;
    std::function<std::optional<double>(const HardwareSpec&)> value;
    std::function<void(HardwareSpec&, double)> store;
};

NumberColumn peakColumn(std::string_view name, NumberType type)
{
    return {name, 1e12, kMostOperationsPerSecond, [type](const HardwareSpec& device) { return device.peak(type); },
            [type](HardwareSpec& device, double rate) { device.peak(type) = rate; }};
}

NumberColumn plainColumn(std::string_view name, double unit, double most, std::optional<double> HardwareSpec::*member)
{
    return {name, unit, most, [member](const HardwareSpec& device) { return device.*member; },
            [member](HardwareSpec& device, double value) { device.*member = value; }};
}

NumberColumn plainColumn(std::string_view name, double most, std::optional<int> HardwareSpec::*member)
{
    return {name, 1, most, [member](const HardwareSpec& device) { return std::optional<double>(device.*member); },
            [member](HardwareSpec& device, double value) { device.*member = static_cast<int>(value); }};
}

const std::vector<NumberColumn>& numberColumns()
{
    using Device = HardwareSpec;
    static const std::vector<NumberColumn> columns {
        plainColumn("memory_GB", 1e9, kMostBytes, &Device::memoryBytes),
        {"bandwidth_GBps", 1e9, kMostBytesPerSecond,
         [](const Device& d) { return std::optional(d.bandwidthBytesPerSecond); },
         [](Device& d, double v) { d.bandwidthBytesPerSecond = v; }},
        peakColumn("fp64_TFLOPS", NumberType::Fp64),
        peakColumn("fp32_TFLOPS", NumberType::Fp32),
        peakColumn("tf32_TFLOPS", NumberType::Tf32),
        peakColumn("bf16_TFLOPS", NumberType::Bf16),
        peakColumn("fp16_TFLOPS", NumberType::Fp16),
        peakColumn("fp8_TFLOPS", NumberType::Fp8),
        peakColumn("int8_TOPS", NumberType::Int8),
        peakColumn("fp4_TFLOPS", NumberType::Fp4),
        peakColumn("int4_TOPS", NumberType::Int4),
        plainColumn("onchip_buffer_KB", 1e3, kMostBytes, &Device::onchipBufferBytes),
        plainColumn("interconnect_GBps", 1e9, kMostBytesPerSecond, &Device::interconnectBytesPerSecond),
        plainColumn("TDP_W", 1, 1e7, &Device::tdpWatts),
        plainColumn("l2_MB", 1e6, kMostBytes, &Device::l2Bytes),
        plainColumn("l2_bandwidth_GBps", 1e9, kMostBytesPerSecond, &Device::l2BandwidthBytesPerSecond),
        plainColumn("l1_bandwidth_GBps", 1e9, kMostBytesPerSecond, &Device::l1BandwidthBytesPerSecond),
        plainColumn("processors", 1e7, &Device::processors),
        plainColumn("year", 9999, &Device::year),
    };
    return columns;
}

std::string* textColumn(HardwareSpec& device, std::string_view name)
{
    if (name == "name")
        return &device.name;
    if (name == "vendor")
        return &device.vendor;
    if (name == "kind")
        return &device.kind;
    return name == "source" ? &device.source : nullptr;
}

std::string numberCell(const std::optional<double>& value, double unit)
{
    if (!value)
        return {};
    std::array<char, 64> text {};
    const auto written =
        std::to_chars(text.data(), text.data() + text.size(), *value / unit, std::chars_format::general, 15);
    return {text.data(), written.ptr};
}

std::string lowered(std::string_view text)
{
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return result;
}

/// One row of a file on its way to a device.
class RowReader
{
public:
    /// @param where for messages
    explicit RowReader(std::string where)
        : m_where(std::move(where))
    {}

    core::Status store(const std::string& column, const std::string& cell)
    {
        if (std::string* text = textColumn(m_device, column)) {
            *text = cell;
            return core::success();
        }
        if (column == "sparse_2_4")
            return storeSparse(cell);
        const auto& columns = numberColumns();
        const auto found =
            std::find_if(columns.begin(), columns.end(), [&](const NumberColumn& c) { return c.name == column; });
        if (cell.empty())
            return core::success();
        PSC_ASSIGN(const double number, read(*found, cell));
        found->store(m_device, number * found->unit);
        return core::success();
    }

    core::Result<HardwareSpec> finished()
    {
        if (m_device.name.empty())
            return Error {ErrorCode::Corrupt, m_where + ": the device has no name", "give it one in the column name"};
        if (m_device.bandwidthBytesPerSecond <= 0)
            return Error {ErrorCode::Corrupt, m_where + ": " + m_device.name + " has no bandwidth",
                          "state bandwidth_GBps, gigabytes per second of the main memory"};
        return std::move(m_device);
    }

private:
    core::Status storeSparse(const std::string& cell)
    {
        if (cell != "0" && cell != "1" && !cell.empty())
            return Error {ErrorCode::Corrupt, m_where + ": sparse_2_4 is \"" + cell + "\"", "write 0 or 1"};
        m_device.sparse24 = cell == "1";
        return core::success();
    }

    core::Result<double> read(const NumberColumn& column, const std::string& cell) const
    {
        double number = 0;
        const char* end = cell.data() + cell.size();
        const auto [rest, problem] = std::from_chars(cell.data(), end, number);
        if (problem != std::errc {} || rest != end || !std::isfinite(number))
            return wrong(column, cell, "is not a number");
        if (number <= 0)
            return wrong(column, cell, "is not above 0");
        if (number * column.unit > column.most)
            return wrong(column, cell, "is beyond any device");
        return number;
    }

    Error wrong(const NumberColumn& column, const std::string& cell, const char* problem) const
    {
        return {ErrorCode::Corrupt,
                m_where + ": " + std::string(column.name) + " \"" + cell.substr(0, 40) + "\" " + problem,
                "leave the cell empty where the value is not known"};
    }

    std::string m_where;
    HardwareSpec m_device;
};

core::Status checkColumns(const std::vector<std::string>& header, std::string_view file)
{
    const std::vector<std::string> known = hardwareColumns();
    for (const std::string& column : header) {
        if (std::find(known.begin(), known.end(), column) == known.end())
            return Error {ErrorCode::Corrupt, std::string(file) + ": unknown column \"" + column + "\"",
                          core::suggestion(column, known)};
    }
    for (const char* needed : {"name", "bandwidth_GBps"}) {
        if (std::count(header.begin(), header.end(), needed) != 1)
            return Error {ErrorCode::Corrupt, std::string(file) + ": there must be one column \"" + needed + "\"",
                          "\"paretoscope help hardware\" describes the columns"};
    }
    return core::success();
}

} // namespace

bool isSameDeviceName(std::string_view a, std::string_view b)
{
    return lowered(a) == lowered(b);
}

std::vector<std::string> hardwareColumns()
{
    std::vector<std::string> names {"name", "vendor", "kind"};
    for (const NumberColumn& column : numberColumns())
        names.emplace_back(column.name);
    names.insert(names.end(), {"sparse_2_4", "source"});
    return names;
}

std::string hardwareCell(const HardwareSpec& device, std::string_view column)
{
    HardwareSpec copy = device;
    if (const std::string* text = textColumn(copy, column))
        return *text;
    if (column == "sparse_2_4")
        return device.sparse24 ? "1" : "0";
    for (const NumberColumn& known : numberColumns()) {
        if (known.name == column)
            return numberCell(known.value(device), known.unit);
    }
    return {};
}

core::Result<HardwareSpec> hardwareFromCells(const std::map<std::string, std::string>& cells)
{
    std::vector<std::string> columns;
    for (const auto& [column, cell] : cells)
        columns.push_back(column);
    PSC_TRY(checkColumns(columns, "the device"));
    RowReader reader("the device");
    for (const auto& [column, cell] : cells)
        PSC_TRY(reader.store(column, cell));
    return reader.finished();
}

std::string hardwareCsv(const std::vector<HardwareSpec>& devices)
{
    core::TextRows rows {hardwareColumns()};
    for (const HardwareSpec& device : devices) {
        std::vector<std::string>& row = rows.emplace_back();
        for (const std::string& column : rows.front())
            row.push_back(hardwareCell(device, column));
    }
    return core::asCsv(rows);
}

core::Result<HardwareTable> HardwareTable::read(const std::filesystem::path& file)
{
    HardwareTable table;
    PSC_ASSIGN(const std::string text, core::readTextFile(file));
    PSC_TRY(table.add(text, file.filename().string()));
    return table;
}

core::Status HardwareTable::add(std::string_view csv, std::string_view file)
{
    PSC_ASSIGN(const core::TextRows rows, core::parseCsv(csv, file));
    PSC_TRY(checkColumns(rows.front(), file));
    std::vector<std::string> added;
    std::vector<HardwareSpec> devices = m_devices;
    for (std::size_t i = 1; i < rows.size(); ++i) {
        RowReader reader(std::string(file) + ": line " + std::to_string(i + 1));
        for (std::size_t column = 0; column < rows[i].size(); ++column)
            PSC_TRY(reader.store(rows.front()[column], rows[i][column]));
        PSC_ASSIGN(HardwareSpec device, reader.finished());
        const std::string name = lowered(device.name);
        if (std::find(added.begin(), added.end(), name) != added.end())
            return Error {ErrorCode::Corrupt,
                          std::string(file) + ": line " + std::to_string(i + 1) + ": " + device.name + " stands twice",
                          "remove one of the two rows"};
        added.push_back(name);
        const auto known = std::find_if(devices.begin(), devices.end(),
                                        [&](const HardwareSpec& d) { return isSameDeviceName(d.name, name); });
        if (known == devices.end())
            devices.push_back(std::move(device));
        else
            *known = std::move(device);
    }
    m_devices = std::move(devices);
    return core::success();
}

void HardwareTable::put(HardwareSpec device)
{
    std::erase_if(m_devices, [&](const HardwareSpec& other) { return isSameDeviceName(other.name, device.name); });
    m_devices.push_back(std::move(device));
}

core::Result<const HardwareSpec*> HardwareTable::find(std::string_view name) const
{
    std::vector<std::string> names;
    for (const HardwareSpec& device : m_devices) {
        if (isSameDeviceName(device.name, name))
            return &device;
        names.push_back(device.name);
    }
    return Error {ErrorCode::NotFound, "no device is called \"" + std::string(name) + "\"",
                  core::nearMiss(name, names) ? core::suggestion(name, names)
                                              : "\"paretoscope hardware list\" prints those that are known"};
}

} // namespace paretoscope::roofline
