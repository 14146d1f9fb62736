// Exactly what the reports draw with; a further chart type is added here and built anew.
import { HeatmapChart, LineChart } from "echarts/charts";
import {
  DataZoomInsideComponent,
  DataZoomSliderComponent,
  GridComponent,
  VisualMapPiecewiseComponent,
} from "echarts/components";
import { connect, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([
  HeatmapChart,
  LineChart,
  GridComponent,
  DataZoomInsideComponent,
  DataZoomSliderComponent,
  VisualMapPiecewiseComponent,
  CanvasRenderer,
]);

export { connect, init };
