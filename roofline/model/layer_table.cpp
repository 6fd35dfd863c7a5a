// SPDX-License-Identifier: Apache-2.0
#include "roofline/model/layer_table.h"

#include "core/base/near_miss.h"
#include "core/table/table_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

namespace paretoscope::roofline {

namespace {

using core::Error;
using core::ErrorCode;
using Kind = TableLayer::Kind;

constexpr double kMost = 2147483647;

struct SizeColumn
{
    std::string_view name;
    double TableLayer::*size;
};
constexpr std::array kSizes {SizeColumn {"in_channels", &TableLayer::inChannels},
                             SizeColumn {"out_channels", &TableLayer::outChannels},
                             SizeColumn {"kernel_height", &TableLayer::kernelHeight},
                             SizeColumn {"kernel_width", &TableLayer::kernelWidth},
                             SizeColumn {"output_height", &TableLayer::outputHeight},
                             SizeColumn {"output_width", &TableLayer::outputWidth},
                             SizeColumn {"stride", &TableLayer::stride},
                             SizeColumn {"groups", &TableLayer::groups},
                             SizeColumn {"lookups", &TableLayer::lookups},
                             SizeColumn {"dimension", &TableLayer::dimension},
                             SizeColumn {"table_rows", &TableLayer::tableRows}};
constexpr std::array<std::string_view, 3> kKinds {"convolution", "linear", "embedding"};

Error wrong(const std::string& where, std::string_view column, const std::string& cell, const std::string& problem)
{
    return {ErrorCode::Corrupt, where + ": " + std::string(column) + " \"" + cell.substr(0, 40) + "\" " + problem,
            "\"paretoscope help roofline\" describes the columns"};
}

core::Status storeCell(TableLayer& layer, const std::string& column, const std::string& cell, const std::string& where)
{
    if (column == "name") {
        layer.name = cell;
        return core::success();
    }
    if (column == "kind") {
        const auto kind = std::find(kKinds.begin(), kKinds.end(), cell);
        if (kind == kKinds.end())
            return wrong(where, column, cell, "is none of convolution, linear, embedding");
        layer.kind = static_cast<Kind>(kind - kKinds.begin());
        return core::success();
    }
    if (cell.empty())
        return core::success();
    std::int64_t size = 0;
    const auto [end, failure] = std::from_chars(cell.data(), cell.data() + cell.size(), size);
    if (failure != std::errc() || end != cell.data() + cell.size() || size < 1 || double(size) > kMost)
        return wrong(where, column, cell, "is no whole number from 1 to 2147483647");
    const auto found =
        std::find_if(kSizes.begin(), kSizes.end(), [&](const SizeColumn& s) { return s.name == column; });
    layer.*found->size = static_cast<double>(size);
    return core::success();
}

core::Status checkHeader(const std::vector<std::string>& header, std::string_view file)
{
    std::vector<std::string> known {"name", "kind"};
    for (const SizeColumn& size : kSizes)
        known.emplace_back(size.name);
    for (const std::string& column : header) {
        if (std::find(known.begin(), known.end(), column) == known.end())
            return Error {ErrorCode::Corrupt, std::string(file) + ": unknown column \"" + column + "\"",
                          core::suggestion(column, known)};
    }
    for (const char* needed : {"name", "kind"}) {
        if (std::count(header.begin(), header.end(), needed) != 1)
            return Error {ErrorCode::Corrupt, std::string(file) + ": there must be one column \"" + needed + "\"",
                          "\"paretoscope help roofline\" describes the columns"};
    }
    return core::success();
}

} // namespace

double TableLayer::inputs() const
{
    return inChannels / groups * kernelHeight * kernelWidth;
}

double TableLayer::weights() const
{
    return kind == Kind::Embedding ? tableRows * dimension : inputs() * outChannels;
}

double LayerTable::weights() const
{
    return std::accumulate(layers.begin(), layers.end(), 0.0,
                           [](double sum, const TableLayer& layer) { return sum + layer.weights(); });
}

core::Result<LayerTable> LayerTable::read(std::string_view csv, std::string_view file)
{
    PSC_ASSIGN(const core::TextRows rows, core::parseCsv(csv, file));
    PSC_TRY(checkHeader(rows.front(), file));
    LayerTable table;
    for (std::size_t i = 1; i < rows.size(); ++i) {
        const std::string where = std::string(file) + ": line " + std::to_string(i + 1);
        TableLayer layer;
        for (std::size_t column = 0; column < rows[i].size(); ++column)
            PSC_TRY(storeCell(layer, rows.front()[column], rows[i][column], where));
        if (layer.name.empty())
            return wrong(where, "name", layer.name, "is empty");
        if (std::fmod(layer.inChannels, layer.groups) != 0 || std::fmod(layer.outChannels, layer.groups) != 0)
            return wrong(where, "groups", std::to_string(static_cast<std::int64_t>(layer.groups)),
                         "do not divide the channels");
        table.layers.push_back(std::move(layer));
    }
    if (table.layers.empty())
        return Error {ErrorCode::Corrupt, std::string(file) + " lists no layer", "add a row for each layer"};
    return table;
}

} // namespace paretoscope::roofline
