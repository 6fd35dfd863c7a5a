// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/network_graph.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace paretoscope::views {

namespace {

constexpr double kNodeWidth = 1;
constexpr double kBendWidth = 0.3; ///< of an edge that passes between nodes

std::vector<NetworkSection> sectionsOf(const std::vector<AnalysedOperation>& operations)
{
    std::vector<NetworkSection> sections;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        const AnalysedOperation& operation = operations[i];
        const auto known = std::find_if(sections.begin(), sections.end(), [&](const NetworkSection& each) {
            return each.name == operation.section && each.firstLayer == operation.firstLayer;
        });
        if (known != sections.end())
            known->operations.push_back(int(i));
        else
            sections.push_back({operation.section, operation.firstLayer, operation.count, {int(i)}});
    }
    return sections;
}

/// Nodes and edges without places.
class Builder
{
public:
    Builder(const RooflineAnalysis& analysis, NetworkGraph& graph)
        : m_analysis(analysis)
        , m_graph(graph)
    {}

    void build()
    {
        int previous = add({.label = "input"});
        for (std::size_t s = 0; s < m_graph.sections.size(); ++s) {
            if (int(s) == m_graph.expanded) {
                previous = unfold(m_graph.sections[s], previous);
                continue;
            }
            const int folded = add({.label = m_graph.sections[s].name, .section = int(s)});
            connect(previous, folded);
            previous = folded;
        }
        connect(previous, add({.label = "output"}));
    }

private:
    int add(NetworkNode node)
    {
        m_graph.nodes.push_back(std::move(node));
        return int(m_graph.nodes.size()) - 1;
    }

    void connect(int from, int to)
    {
        const auto isSame = [&](const NetworkEdge& edge) { return edge.from == from && edge.to == to; };
        if (std::none_of(m_graph.edges.begin(), m_graph.edges.end(), isSame))
            m_graph.edges.push_back({from, to});
    }

    /// @return the node that the next section reads
    int unfold(const NetworkSection& section, int entry)
    {
        std::map<int, int> nodes;
        for (const int i : section.operations) {
            const AnalysedOperation& operation = m_analysis.operations[std::size_t(i)];
            if (operation.isDrawn)
                nodes[i] = add({.label = operation.name, .operation = i});
        }
        for (const auto& [index, node] : nodes) {
            for (const int input : m_analysis.operations[std::size_t(index)].inputs) {
                const auto from = nodes.find(input);
                if (input < 0 || from != nodes.end())
                    connect(input < 0 ? entry : from->second, node);
            }
        }
        return nodes.empty() ? entry : nodes[lastOf(nodes)];
    }

    /// The result of a section: of those that nothing reads, the one that the longest way leads to.
    int lastOf(const std::map<int, int>& nodes) const
    {
        std::map<int, int> depth;
        int last = nodes.begin()->first;
        for (std::size_t sweep = 0; sweep < nodes.size(); ++sweep) { // inputs may stand behind their readers
            for (const auto& [index, node] : nodes) {
                for (const int input : m_analysis.operations[std::size_t(index)].inputs) {
                    if (input >= 0 && nodes.contains(input))
                        depth[index] = std::max(depth[index], depth[input] + 1);
                }
                if (depth[index] > depth[last])
                    last = index;
            }
        }
        return last;
    }

    const RooflineAnalysis& m_analysis;
    NetworkGraph& m_graph;
};

/// Layers by the longest way from the input, order within a layer by the mean place of the neighbours; an edge over
/// several layers bends in each of them (Sugiyama et al. 1981).
class Layout
{
public:
    explicit Layout(NetworkGraph& graph)
        : m_graph(graph)
    {}

    void arrange()
    {
        assignRows();
        insertBends();
        for (int sweep = 0; sweep < 4; ++sweep)
            order(sweep % 2 == 0);
        place();
    }

private:
    struct Slot
    {
        int node = -1; ///< else a bend
        int edge = -1;
        int row = 0;
        double x = 0;
        std::vector<int> above = {};
        std::vector<int> below = {};
    };

    void assignRows()
    {
        m_slots.resize(m_graph.nodes.size());
        for (std::size_t i = 0; i < m_slots.size(); ++i)
            m_slots[i].node = int(i);
        bool isChanged = true;
        while (isChanged) { // the graph has no cycle, so that this ends
            isChanged = false;
            for (const NetworkEdge& edge : m_graph.edges) {
                int& row = m_slots[std::size_t(edge.to)].row;
                const int least = m_slots[std::size_t(edge.from)].row + 1;
                isChanged = isChanged || row < least;
                row = std::max(row, least);
            }
        }
    }

    void insertBends()
    {
        for (std::size_t e = 0; e < m_graph.edges.size(); ++e) {
            const NetworkEdge& edge = m_graph.edges[e];
            int from = edge.from;
            const int lastRow = m_slots[std::size_t(edge.to)].row;
            for (int row = m_slots[std::size_t(from)].row + 1; row < lastRow; ++row) {
                m_slots.push_back({.edge = int(e), .row = row});
                join(from, int(m_slots.size()) - 1);
                from = int(m_slots.size()) - 1;
            }
            join(from, edge.to);
        }
        for (std::size_t i = 0; i < m_slots.size(); ++i) {
            m_rows.resize(std::max(m_rows.size(), std::size_t(m_slots[i].row) + 1));
            m_rows[std::size_t(m_slots[i].row)].push_back(int(i));
        }
        for (std::vector<int>& row : m_rows)
            spread(row);
    }

    void join(int from, int to)
    {
        m_slots[std::size_t(from)].below.push_back(to);
        m_slots[std::size_t(to)].above.push_back(from);
    }

    double widthOf(int slot) const { return m_slots[std::size_t(slot)].node >= 0 ? kNodeWidth : kBendWidth; }

    /// Side by side around the middle.
    void spread(const std::vector<int>& row)
    {
        const double width =
            std::accumulate(row.begin(), row.end(), 0.0, [&](double sum, int slot) { return sum + widthOf(slot); });
        double left = -width / 2;
        for (const int slot : row) {
            m_slots[std::size_t(slot)].x = left + widthOf(slot) / 2;
            left += widthOf(slot);
        }
    }

    void order(bool downwards)
    {
        const auto wish = [&](int slot) {
            const Slot& own = m_slots[std::size_t(slot)];
            const std::vector<int>& neighbours = downwards ? own.above : own.below;
            if (neighbours.empty())
                return own.x;
            const double sum = std::accumulate(neighbours.begin(), neighbours.end(), 0.0, [&](double total, int each) {
                return total + m_slots[std::size_t(each)].x;
            });
            return sum / double(neighbours.size());
        };
        for (std::size_t i = 0; i < m_rows.size(); ++i) {
            std::vector<int>& row = m_rows[downwards ? i : m_rows.size() - 1 - i];
            std::stable_sort(row.begin(), row.end(), [&](int a, int b) { return wish(a) < wish(b); });
            spread(row);
        }
    }

    void place()
    {
        for (const Slot& slot : m_slots) {
            if (slot.node >= 0)
                m_graph.nodes[std::size_t(slot.node)].place = QPointF(slot.x, slot.row);
            else
                m_graph.edges[std::size_t(slot.edge)].bends.emplace_back(slot.x, slot.row);
        }
    }

    NetworkGraph& m_graph;
    std::vector<Slot> m_slots;
    std::vector<std::vector<int>> m_rows;
};

} // namespace

int NetworkGraph::nodeOf(int operation) const
{
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const NetworkNode& node = nodes[i];
        if (operation >= 0 && node.operation == operation)
            return int(i);
        if (node.section < 0)
            continue;
        const std::vector<int>& folded = sections[std::size_t(node.section)].operations;
        if (std::find(folded.begin(), folded.end(), operation) != folded.end())
            return int(i);
    }
    return -1;
}

NetworkGraph buildNetwork(const RooflineAnalysis& analysis, int expanded)
{
    NetworkGraph graph;
    graph.sections = sectionsOf(analysis.operations);
    const auto layer = std::find_if(graph.sections.begin(), graph.sections.end(),
                                    [](const NetworkSection& each) { return each.name == "layer"; });
    graph.expanded = expanded >= 0 && expanded < int(graph.sections.size())
                         ? expanded
                         : (layer == graph.sections.end() ? -1 : int(layer - graph.sections.begin()));
    Builder(analysis, graph).build();
    Layout(graph).arrange();
    return graph;
}

} // namespace paretoscope::views
