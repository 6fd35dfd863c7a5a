// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::roofline {

/// A layer of a network that is no transformer, by its sizes alone.
struct TableLayer
{
    enum class Kind
    {
        Convolution,
        Linear,
        Embedding, ///< gathers rows of a table
    };

    std::string name;
    Kind kind = Kind::Convolution;
    double inChannels = 1;  ///< of a linear: inputs
    double outChannels = 1; ///< of a linear: outputs
    double kernelHeight = 1;
    double kernelWidth = 1;
    double outputHeight = 1;
    double outputWidth = 1;
    double stride = 1;
    double groups = 1;
    double lookups = 1; ///< rows that one sample gathers
    double dimension = 1;
    double tableRows = 1;

    double inputs() const; ///< weights of one output
    double weights() const;
};

/// The layers of a CNN, a click-through model or another network, one behind the other (convolutional layers from a CSV
/// file, as the forks of LLM-Viewer read them; embeddings for click-through models).
struct LayerTable
{
    std::vector<TableLayer> layers;

    double weights() const;

    /// CSV with a line of column names: name, kind (convolution, linear, embedding) and, where they are not 1,
    /// in_channels, out_channels, kernel_height, kernel_width, output_height, output_width, stride, groups, lookups,
    /// dimension, table_rows. Errors: Corrupt, naming file, line, column and value.
    static core::Result<LayerTable> read(std::string_view csv, std::string_view file);
};

} // namespace paretoscope::roofline
