// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_analysis.h"

#include <QPointF>

#include <string>
#include <vector>

namespace paretoscope::views {

/// Operations that stand together: the entry, a run of equal layers, the head.
struct NetworkSection
{
    std::string name = {}; ///< "layer"
    int firstLayer = -1;
    double layers = 1;
    std::vector<int> operations = {}; ///< indices into the analysis
};

struct NetworkNode
{
    std::string label = {};
    int operation = -1; ///< index into the analysis; -1: input, output or a section that is folded
    int section = -1;   ///< that is folded into this node
    QPointF place = {}; ///< in widths of a node from the middle, and rows from the top
};

struct NetworkEdge
{
    int from = 0;
    int to = 0;
    std::vector<QPointF> bends = {}; ///< between its ends, in the units of NetworkNode::place
};

/// The network from its input to its output, top down, with one section unfolded.
struct NetworkGraph
{
    std::vector<NetworkSection> sections = {};
    int expanded = -1; ///< index of the unfolded section
    std::vector<NetworkNode> nodes = {};
    std::vector<NetworkEdge> edges = {};

    int nodeOf(int operation) const; ///< also of one in a folded section; -1: it is not drawn
};

/// @param expanded a section; out of range: the first layer
NetworkGraph buildNetwork(const RooflineAnalysis& analysis, int expanded);

} // namespace paretoscope::views
