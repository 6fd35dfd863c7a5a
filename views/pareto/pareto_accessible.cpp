// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/pareto_accessible.h"

#include "views/pareto/pareto_plot.h"

#include <QAccessibleWidget>
#include <QPointer>

#include <map>

namespace paretoscope::views {

namespace {

int countOf(const ParetoPlot& plot)
{
    return int(plot.data()->points.size() + plot.data()->published.size());
}

/// One point, or behind all of them a published one. Reads all it tells from the plot, so it is never out of date.
class PointAccessible : public QAccessibleInterface
{
public:
    PointAccessible(ParetoPlot* plot, int index)
        : m_plot(plot)
        , m_index(index)
    {}

    bool isValid() const override { return m_plot && m_index < countOf(*m_plot); }
    QObject* object() const override { return nullptr; }
    QAccessibleInterface* parent() const override { return QAccessible::queryAccessibleInterface(m_plot); }
    QAccessibleInterface* child(int) const override { return nullptr; }
    QAccessibleInterface* childAt(int, int) const override { return nullptr; }
    int childCount() const override { return 0; }
    int indexOfChild(const QAccessibleInterface*) const override { return -1; }
    void setText(QAccessible::Text, const QString&) override {}
    QAccessible::Role role() const override { return QAccessible::ListItem; }

    QString text(QAccessible::Text kind) const override
    {
        if (!isValid() || kind != QAccessible::Name)
            return {};
        const ParetoData& data = *m_plot->data();
        const QStringList lines = isTrial() ? describePoint(data, data.points[std::size_t(m_index)])
                                            : describePublished(*data.snapshot, data.published[publishedIndex()]);
        return lines.join(QStringLiteral(", "));
    }
    QRect rect() const override
    {
        if (!isValid())
            return {};
        const ParetoGeometry& geometry = m_plot->scene().geometry;
        const QPointF pixel = isTrial() ? geometry.pixels[std::size_t(m_index)] : geometry.published[publishedIndex()];
        const QPoint centre = m_plot->mapToGlobal(pixel.toPoint());
        return {centre - QPoint(8, 8), QSize(16, 16)};
    }
    QAccessible::State state() const override
    {
        QAccessible::State state;
        state.focusable = true;
        if (!isValid())
            return state;
        state.selectable = isTrial();
        const std::vector<int>& selected = m_plot->scene().selected;
        state.selected = std::find(selected.begin(), selected.end(), m_index) != selected.end();
        state.focused = m_plot->hasFocus() && m_plot->stop() == m_index;
        return state;
    }

private:
    bool isTrial() const { return m_index < int(m_plot->data()->points.size()); }
    std::size_t publishedIndex() const { return std::size_t(m_index) - m_plot->data()->points.size(); }

    QPointer<ParetoPlot> m_plot;
    int m_index;
};

class PlotAccessible : public QAccessibleWidget
{
public:
    explicit PlotAccessible(ParetoPlot* plot)
        : QAccessibleWidget(plot, QAccessible::Chart)
        , m_plot(plot)
    {}
    ~PlotAccessible() override
    {
        for (const auto& [index, id] : m_children)
            QAccessible::deleteAccessibleInterface(id);
    }

    int childCount() const override { return countOf(*m_plot); }
    QAccessibleInterface* child(int index) const override
    {
        if (index < 0 || index >= childCount())
            return nullptr;
        auto found = m_children.find(index);
        if (found == m_children.end())
            found =
                m_children.emplace(index, QAccessible::registerAccessibleInterface(new PointAccessible(m_plot, index)))
                    .first;
        return QAccessible::accessibleInterface(found->second);
    }
    int indexOfChild(const QAccessibleInterface* wanted) const override
    {
        for (const auto& [index, id] : m_children) {
            if (QAccessible::accessibleInterface(id) == wanted)
                return index;
        }
        return -1;
    }
    QAccessibleInterface* childAt(int x, int y) const override
    {
        const QPointF position = m_plot->mapFromGlobal(QPointF(x, y));
        const std::optional<int> hit = m_plot->scene().geometry.hit(*m_plot->data(), position, 8);
        if (hit)
            return child(*hit);
        const std::optional<int> published = m_plot->scene().geometry.hitPublished(*m_plot->data(), position, 8);
        return published ? child(int(m_plot->data()->points.size()) + *published) : nullptr;
    }
    QAccessibleInterface* focusChild() const override
    {
        return m_plot->hasFocus() && m_plot->stop() ? child(*m_plot->stop()) : nullptr;
    }

private:
    ParetoPlot* m_plot; ///< outlives its interface
    mutable std::map<int, QAccessible::Id> m_children;
};

QAccessibleInterface* createInterface(const QString&, QObject* object)
{
    auto* plot = qobject_cast<ParetoPlot*>(object);
    return plot ? new PlotAccessible(plot) : nullptr;
}

} // namespace

void installParetoAccessibility()
{
    QAccessible::installFactory(createInterface); // installing it again changes nothing
}

} // namespace paretoscope::views
