// Exactly what the reports draw with; a further chart type is added here and built anew.
import { HeatmapChart } from "echarts/charts";
import { GridComponent, VisualMapPiecewiseComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([HeatmapChart, GridComponent, VisualMapPiecewiseComponent, CanvasRenderer]);

export { init };
