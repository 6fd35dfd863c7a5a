// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/graph_view.h"

#include "views/format/format.h"
#include "views/format/scaled.h"
#include "views/format/text.h"
#include "views/roofline/operation_look.h"
#include "views/roofline/roofline_text.h"
#include "views/theme/icons.h"
#include "views/widgets/plain_tip.h"

#include <QComboBox>
#include <QGraphicsItem>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QSignalBlocker>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

constexpr double kWidth = 178;
constexpr double kHeight = 56;
constexpr double kColumn = 196; ///< from middle to middle
constexpr double kRow = 84;
constexpr double kZoom = 1.15;

QPointF sceneOf(QPointF place)
{
    return {place.x() * kColumn, place.y() * kRow};
}

/// One node: name, cost and shape; the band and its marker tell the bound.
class NodeItem : public QGraphicsItem
{
public:
    NodeItem(QStringList lines, const AnalysedOperation* operation, const QPalette& palette, const QFont& font)
        : m_lines(std::move(lines))
        , m_palette(palette)
        , m_font(font)
        , m_isOperation(operation)
    {
        if (operation) {
            m_look = lookOf(operation->bound, palette);
            m_share = operation->share;
        }
    }

    QRectF boundingRect() const override { return {-kWidth / 2 - 2, -kHeight / 2 - 2, kWidth + 4, kHeight + 4}; }
    void setMarked(bool marked)
    {
        m_isMarked = marked;
        update();
    }

    void paint(QPainter* painter, const QStyleOptionGraphicsItem*, QWidget*) override
    {
        const ThemeColours& colours = themeColours(m_palette);
        const QRectF box(-kWidth / 2, -kHeight / 2, kWidth, kHeight);
        QColor fill = m_palette.color(QPalette::Window);
        if (m_isOperation) { // the more of the time, the stronger
            const QColor base = m_palette.color(QPalette::Base);
            const double weight = 0.08 + 0.5 * std::min(1.0, m_share * 3);
            fill = QColor::fromRgbF(float(base.redF() * (1 - weight) + m_look.colour.redF() * weight),
                                    float(base.greenF() * (1 - weight) + m_look.colour.greenF() * weight),
                                    float(base.blueF() * (1 - weight) + m_look.colour.blueF() * weight));
        }
        painter->setPen(m_isMarked ? QPen(m_palette.color(QPalette::Highlight), 3)
                                   : QPen(m_isOperation ? m_look.colour : colours.axis, 1));
        painter->setBrush(fill);
        painter->drawRoundedRect(box, 5, 5);
        if (m_isOperation) {
            painter->setPen(Qt::NoPen);
            painter->setBrush(m_look.colour);
            painter->drawPath(markerPath(m_look.shape, 9).translated(box.left() + 11, box.top() + 12));
        }
        const QColor ink = m_palette.color(QPalette::Text);
        painter->setPen(ink);
        QFont bold = m_font;
        bold.setBold(true);
        const double line = (kHeight - 6) / 3;
        const QFontMetricsF metrics(m_font);
        const bool isLone = m_lines.size() == 1;
        for (qsizetype i = 0; i < m_lines.size(); ++i) {
            painter->setFont(i == 0 ? bold : m_font);
            QRectF row(box.left() + 6, box.top() + 3 + line * double(i), kWidth - 12, line);
            if (i == 0)
                row.adjust(14, 0, -14, 0);
            painter->drawText(isLone ? box : row, Qt::AlignCenter,
                              metrics.elidedText(m_lines[i], Qt::ElideRight, row.width()));
        }
    }

private:
    QStringList m_lines;
    QPalette m_palette;
    QFont m_font;
    bool m_isOperation;
    MethodLook m_look = {};
    double m_share = 0;
    bool m_isMarked = false;
};

QString sectionText(const NetworkSection& section)
{
    if (section.name == "entry")
        return GraphView::tr("entry");
    if (section.name == "head")
        return GraphView::tr("head");
    return section.layers > 1
               ? GraphView::tr("%n layer(s) from layer %1", nullptr, int(section.layers)).arg(section.firstLayer)
               : GraphView::tr("layer %1").arg(section.firstLayer);
}

/// Cost of a folded section.
QStringList foldedLines(const NetworkSection& section, const RooflineAnalysis& analysis)
{
    double seconds = 0;
    double share = 0;
    for (const int i : section.operations) {
        const AnalysedOperation& operation = analysis.operations[std::size_t(i)];
        seconds += operation.count * operation.seconds;
        share += operation.share;
    }
    return {sectionText(section), u"%1 (%2)"_s.arg(format::scaled(seconds, u"s"_s), format::percent(share)),
            GraphView::tr("%n operation(s), folded", nullptr, int(section.operations.size()))};
}

QStringList linesOf(const AnalysedOperation& operation)
{
    const QString shape = shapeText(operation);
    return {toQString(operation.name),
            u"%1, %2"_s.arg(format::scaled(operation.flops, u"FLOP"_s), format::scaled(operation.bytes(), u"B"_s)),
            shape.isEmpty() ? format::percent(operation.share)
                            : u"[%1]  %2"_s.arg(shape, format::percent(operation.share))};
}

} // namespace

GraphCanvas::GraphCanvas(RooflineSession& session, QWidget* parent)
    : QGraphicsView(parent)
    , m_session(session)
{
    setObjectName(u"rooflineGraph"_s);
    setAccessibleName(tr("Network graph"));
    setAccessibleDescription(
        tr("Arrow keys walk along the operations; the table of operations shows the same numbers."));
    setScene(new QGraphicsScene(this));
    setRenderHint(QPainter::Antialiasing);
    setDragMode(QGraphicsView::ScrollHandDrag);
    setTransformationAnchor(QGraphicsView::AnchorUnderMouse);
    setFrameShape(QFrame::NoFrame);
    connect(&m_session, &RooflineSession::modelChanged, this, [this] {
        m_wanted = -1;
        m_fitted = true;
    });
    connect(&m_session, &RooflineSession::changed, this, &GraphCanvas::takeAnalysis);
    connect(&m_session, &RooflineSession::selectionChanged, this, &GraphCanvas::takeSelection);
    takeAnalysis();
}

void GraphCanvas::takeAnalysis()
{
    const RooflineAnalysisPtr& analysis = m_session.analysis();
    m_graph = analysis ? buildNetwork(*analysis, m_wanted) : NetworkGraph();
    draw();
    Q_EMIT unfolded();
}

void GraphCanvas::unfold(int section)
{
    if (section < 0 || section >= int(m_graph.sections.size()) || section == m_graph.expanded)
        return;
    m_wanted = section;
    m_fitted = true;
    takeAnalysis();
}

void GraphCanvas::draw()
{
    scene()->clear();
    m_items.clear();
    const QPalette colours = palette();
    setBackgroundBrush(themeColours(colours).plotBackground);
    const RooflineAnalysisPtr& analysis = m_session.analysis();
    if (!analysis)
        return;
    for (const NetworkEdge& edge : m_graph.edges) {
        const QPointF from = sceneOf(m_graph.nodes[std::size_t(edge.from)].place) + QPointF(0, kHeight / 2);
        const QPointF to = sceneOf(m_graph.nodes[std::size_t(edge.to)].place) - QPointF(0, kHeight / 2);
        QPainterPath path(from);
        QPointF last = from;
        std::vector<QPointF> stops = edge.bends;
        for (QPointF& stop : stops)
            stop = sceneOf(stop);
        stops.push_back(to);
        for (const QPointF& stop : stops) {
            const double half = (stop.y() - last.y()) / 2;
            path.cubicTo(last + QPointF(0, half), stop - QPointF(0, half), stop);
            last = stop;
        }
        path.moveTo(to + QPointF(-4, -7));
        path.lineTo(to);
        path.lineTo(to + QPointF(4, -7));
        scene()->addPath(path, QPen(themeColours(colours).axis, 1.3));
    }
    for (const NetworkNode& node : m_graph.nodes) {
        const AnalysedOperation* operation =
            node.operation >= 0 ? &analysis->operations[std::size_t(node.operation)] : nullptr;
        QStringList lines {node.label == "input" ? tr("input") : tr("output")};
        if (operation)
            lines = linesOf(*operation);
        else if (node.section >= 0)
            lines = foldedLines(m_graph.sections[std::size_t(node.section)], *analysis);
        auto* item = new NodeItem(lines, operation, colours, font());
        item->setPos(sceneOf(node.place));
        item->setToolTip(plainTip((operation ? describeOperation(*operation) : lines).join('\n'_L1)));
        item->setZValue(1);
        scene()->addItem(item);
        m_items.push_back(item);
    }
    scene()->setSceneRect(scene()->itemsBoundingRect().adjusted(-24, -24, 24, 24));
    takeSelection();
    if (m_fitted)
        fit();
}

void GraphCanvas::takeSelection()
{
    const int marked = m_session.selected() ? m_graph.nodeOf(*m_session.selected()) : -1;
    for (std::size_t i = 0; i < m_items.size(); ++i)
        static_cast<NodeItem*>(m_items[i])->setMarked(int(i) == marked);
    if (marked >= 0 && !m_fitted)
        ensureVisible(m_items[std::size_t(marked)], 20, 20);
}

void GraphCanvas::showNode(int node)
{
    if (node < 0 || node >= int(m_items.size()))
        return;
    if (transform().m11() < 0.8) { // too small to read
        m_fitted = false;
        setTransform(QTransform::fromScale(1, 1));
    }
    centerOn(m_items[std::size_t(node)]);
    if (const int operation = m_graph.nodes[std::size_t(node)].operation; operation >= 0)
        m_session.select(operation);
}

QPoint GraphCanvas::pixelOf(int node) const
{
    return mapFromScene(sceneOf(m_graph.nodes[std::size_t(node)].place));
}

void GraphCanvas::fit()
{
    m_fitted = true;
    if (m_items.empty())
        return;
    // A whole layer in a low dock would be unreadable: then its width is fitted, and its head is shown.
    constexpr double kLeast = 0.8;
    const QRectF area = scene()->sceneRect();
    const double whole = std::min(viewport()->width() / area.width(), viewport()->height() / area.height());
    const double scale = std::clamp(whole, kLeast, 1.2);
    setTransform(QTransform::fromScale(scale, scale));
    centerOn(area.center().x(), whole < kLeast ? area.top() : area.center().y());
}

void GraphCanvas::zoom(double factor)
{
    const double scale = transform().m11() * factor;
    if (scale < 0.1 || scale > 6)
        return;
    m_fitted = false;
    setTransform(QTransform::fromScale(scale, scale));
}

int GraphCanvas::nodeAt(QPoint position) const
{
    const QGraphicsItem* item = itemAt(position);
    for (std::size_t i = 0; i < m_items.size(); ++i) {
        if (m_items[i] == item)
            return int(i);
    }
    return -1;
}

void GraphCanvas::walk(int step)
{
    std::vector<int> operations;
    for (const NetworkNode& node : m_graph.nodes) {
        if (node.operation >= 0)
            operations.push_back(node.operation);
    }
    if (operations.empty())
        return;
    const int current = m_session.selected().value_or(-1);
    const auto at = std::find(operations.begin(), operations.end(), current);
    const std::ptrdiff_t last = std::ptrdiff_t(operations.size()) - 1;
    const std::ptrdiff_t index = at == operations.end()
                                     ? (step > 0 ? 0 : last)
                                     : std::clamp<std::ptrdiff_t>(at - operations.begin() + step, 0, last);
    m_session.select(operations[std::size_t(index)]);
    ensureVisible(m_items[std::size_t(m_graph.nodeOf(operations[std::size_t(index)]))], 20, 20);
}

void GraphCanvas::mouseReleaseEvent(QMouseEvent* event)
{
    QGraphicsView::mouseReleaseEvent(event);
    if (event->button() != Qt::LeftButton)
        return;
    const int node = nodeAt(event->position().toPoint());
    if (node >= 0 && m_graph.nodes[std::size_t(node)].operation >= 0)
        m_session.select(m_graph.nodes[std::size_t(node)].operation);
}

void GraphCanvas::mouseDoubleClickEvent(QMouseEvent* event)
{
    const int node = nodeAt(event->position().toPoint());
    if (node < 0)
        return fit();
    unfold(m_graph.nodes[std::size_t(node)].section);
}

void GraphCanvas::wheelEvent(QWheelEvent* event)
{
    zoom(std::pow(kZoom, double(event->angleDelta().y()) / 120.0));
    event->accept();
}

void GraphCanvas::keyPressEvent(QKeyEvent* event)
{
    switch (event->key()) {
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        return zoom(kZoom);
    case Qt::Key_Minus:
        return zoom(1 / kZoom);
    case Qt::Key_0:
        return fit();
    case Qt::Key_Down:
    case Qt::Key_Right:
        return walk(1);
    case Qt::Key_Up:
    case Qt::Key_Left:
        return walk(-1);
    case Qt::Key_Escape:
        return m_session.select(std::nullopt);
    default:
        QGraphicsView::keyPressEvent(event);
    }
}

void GraphCanvas::resizeEvent(QResizeEvent* event)
{
    QGraphicsView::resizeEvent(event);
    if (m_fitted)
        fit();
}

void GraphCanvas::changeEvent(QEvent* event)
{
    QGraphicsView::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        draw();
}

GraphView::GraphView(RooflineSession& session, QWidget* parent)
    : QWidget(parent)
    , m_canvas(new GraphCanvas(session, this))
    , m_session(session)
    , m_search(new QLineEdit(this))
    , m_found(new QLabel(this))
    , m_sections(new QComboBox(this))
{
    m_search->setObjectName(u"rooflineGraphSearch"_s);
    m_search->setPlaceholderText(tr("Search operations"));
    m_search->setAccessibleName(m_search->placeholderText());
    m_search->setClearButtonEnabled(true);
    m_search->setToolTip(tr("Enter goes to the next one that is found"));
    m_found->setForegroundRole(QPalette::PlaceholderText);
    m_sections->setObjectName(u"rooflineGraphSection"_s);
    m_sections->setAccessibleName(tr("Unfolded part of the network"));
    m_sections->setToolTip(m_sections->accessibleName());
    m_sections->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    auto* fit = new QToolButton(this);
    fit->setObjectName(u"rooflineGraphFit"_s);
    fit->setIcon(themedIcon(u"fit"_s));
    fit->setToolTip(tr("Show the whole graph (0)"));
    fit->setAccessibleName(fit->toolTip());
    fit->setAutoRaise(true);
    auto* row = new QHBoxLayout;
    row->setContentsMargins(8, 4, 8, 4);
    row->addWidget(m_search, 1);
    row->addWidget(m_found);
    row->addWidget(m_sections);
    row->addWidget(fit);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(row);
    column->addWidget(m_canvas, 1);
    connect(fit, &QToolButton::clicked, m_canvas, &GraphCanvas::fit);
    connect(m_search, &QLineEdit::textEdited, this, [this] { search(false); });
    connect(m_search, &QLineEdit::returnPressed, this, [this] { search(true); });
    connect(m_sections, &QComboBox::activated, m_canvas, &GraphCanvas::unfold);
    connect(m_canvas, &GraphCanvas::unfolded, this, &GraphView::fillSections);
    fillSections();
}

void GraphView::fillSections()
{
    const QSignalBlocker quiet(m_sections);
    m_sections->clear();
    for (const NetworkSection& section : m_canvas->graph().sections)
        m_sections->addItem(sectionText(section));
    m_sections->setCurrentIndex(m_canvas->graph().expanded);
}

void GraphView::search(bool next)
{
    const QString text = m_search->text().trimmed();
    const NetworkGraph& graph = m_canvas->graph();
    std::vector<int> found;
    for (std::size_t i = 0; i < graph.nodes.size() && !text.isEmpty(); ++i) {
        if (graph.nodes[i].operation >= 0 && toQString(graph.nodes[i].label).contains(text, Qt::CaseInsensitive))
            found.push_back(int(i));
    }
    m_found->setText(text.isEmpty() ? QString() : tr("%n found", nullptr, int(found.size())));
    if (found.empty())
        return;
    const int current = m_session.selected() ? graph.nodeOf(*m_session.selected()) : -1;
    const auto at = std::find(found.begin(), found.end(), current);
    if (at == found.end())
        m_canvas->showNode(found.front());
    else if (next)
        m_canvas->showNode(at + 1 == found.end() ? found.front() : *(at + 1));
}

} // namespace paretoscope::views
