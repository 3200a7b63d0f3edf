import { LEVELS } from "./change";
import { DARK, LIGHT, type Palette } from "./palette";

/** Numbers of hues and patterns of bars: they make 30 pairs, and neighbours differ in both. */
const HUES = 6;
const PATTERNS = 5;

/** CSS classes of a bar's part. */
export const seriesOf = (index: number): string => `bar s${index % HUES} p${index % PATTERNS}`;

const variables = (palette: Palette): string =>
  Object.entries(palette)
    .map(([name, value]) => `--${name}:${value};`)
    .join("");

const stripes = (degrees: number, gap: number): string =>
  `background-image:repeating-linear-gradient(${degrees}deg,var(--panel) 0 1.5px,transparent 1.5px ${gap}px)`;

const series = Array.from({ length: HUES }, (_, index) => `.s${index}{background-color:var(--series${index})}`).join("\n");

const levels = [...LEVELS, "good" as const]
  .map(
    (level) =>
      `.${level}{--level:var(--${level});--level-back:var(--${level}-back)}\nsvg .badge.${level} rect{fill:var(--${level}-back);stroke:var(--${level})}\nsvg .badge.${level} text{fill:var(--${level})}`,
  )
  .join("\n");

const BASE = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
.page{max-width:1240px;margin:0 auto;padding:32px 24px 48px}
h1,h2,h3{line-height:1.2;margin:0;text-wrap:balance}
h1{font-size:2.25rem;letter-spacing:-.02em}
h2{font-size:1.375rem;letter-spacing:-.01em;margin-bottom:4px}
h3{font-size:1rem}
p{margin:0}
a{color:var(--accent);text-underline-offset:.2em}
a:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
code,pre,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.875em;unicode-bidi:isolate}
ul{margin:0;padding:0;list-style:none}
.muted{color:var(--muted)}
.small{font-size:.875rem}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.number{font-variant-numeric:tabular-nums}
section{background:var(--panel);border:1px solid var(--line);border-radius:14px;padding:24px;margin-top:20px}
section>.lead{color:var(--muted);margin-bottom:16px;max-width:76ch}
`;

const HEADER = `
.eyebrow{color:var(--muted);font-size:.8125rem;font-weight:600;letter-spacing:.08em;text-transform:uppercase;margin-bottom:6px}
.place{color:var(--muted);font-size:1.0625rem;margin-top:6px}
.verdict{display:flex;gap:12px;align-items:flex-start;margin-top:20px;padding:14px 18px;border-radius:12px;background:var(--level-back);border:1px solid var(--level)}
.verdict strong{color:var(--level)}
.verdict .mark{color:var(--level);font-size:1.25rem;line-height:1.2;font-weight:700}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:12px;margin:16px 0 0}
.tiles>div{background:var(--panel);border:1px solid var(--line);border-radius:12px;padding:14px 18px}
.tiles dt{color:var(--muted);font-size:.8125rem}
.tiles dd{margin:2px 0 0;font-size:1.5rem;font-weight:650;letter-spacing:-.01em;line-height:1.3}
.tiles dd small{display:block;font-size:.875rem;font-weight:400;color:var(--muted);letter-spacing:0}
nav{margin-top:16px;display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.9375rem}
.pill{display:inline-block;border-radius:999px;padding:1px 10px;font-size:.8125rem;font-weight:600;color:var(--level);background:var(--level-back);white-space:nowrap}
`;

const CHANGES = `
.level{margin-top:20px}
.level>h3{display:flex;align-items:center;gap:8px;color:var(--level);margin-bottom:8px}
.level>h3 .pill{border:1px solid var(--level)}
.change{border:1px solid var(--line);border-left:5px solid var(--level);border-radius:8px;padding:12px 16px;margin-top:8px}
.change .setting{display:flex;flex-wrap:wrap;gap:2px 10px;align-items:baseline}
.change .setting+.setting{margin-top:4px}
.change .setting code:first-child{font-weight:600}
.change del{color:var(--muted);text-decoration:none}
.change ins{text-decoration:none;font-weight:600}
.change .effect{margin-top:6px}
.change .remedy{margin-top:6px;color:var(--muted)}
.change .remedy b{color:var(--ink);font-weight:600}
details{margin-top:16px}
summary{cursor:pointer;font-weight:600;color:var(--accent)}
pre{margin:12px 0 0;padding:14px 16px;background:var(--sunken);border-radius:8px;white-space:pre-wrap;line-height:1.55}
pre .gone{color:var(--lost)}
pre .new{color:var(--good)}
`;

const TOPOLOGY = `
.picture{display:block;width:100%;height:auto}
.picture.narrow{max-width:440px;margin:0 auto}
.picture.wide{display:none}
@media (min-width:1080px){.picture.wide{display:block}.picture.narrow{display:none}}
svg text{fill:var(--ink);font-size:13px;font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
svg text.name{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-weight:700}
svg text.quiet{fill:var(--muted);font-size:12px}
svg text.end{text-anchor:end}
svg text.middle{text-anchor:middle}
svg .badge text{font-size:12px;font-weight:700;text-anchor:middle}
svg .box{fill:var(--panel);stroke:var(--wire);stroke-width:1.25}
svg .frame{fill:var(--sunken);stroke:var(--wire);stroke-width:1.25}
svg .frame.existing,svg .box.existing{stroke-dasharray:6 4;fill:var(--panel)}
svg .primary{stroke:var(--accent);stroke-width:2}
svg .wire{fill:none;stroke:var(--wire);stroke-width:1.75}
svg .wire.reads,svg .wire.copies{stroke-dasharray:5 4}
svg .wire.reads{stroke:var(--series2)}
svg .wire.plain{stroke:var(--outage);stroke-dasharray:2 3}
svg .arrow{fill:var(--wire)}
svg .arrow.reads{fill:var(--series2)}
svg .icon{fill:none;stroke:var(--wire);stroke-width:1.5}
svg .icon.accent{stroke:var(--accent)}
svg .proxy rect{fill:var(--cost-back);stroke:var(--cost);stroke-width:1.25}
svg .proxy path{fill:none;stroke:var(--cost);stroke-width:1.5}
.key{display:flex;flex-wrap:wrap;gap:6px 22px;margin-top:18px;padding-top:14px;border-top:1px solid var(--line);font-size:.875rem;color:var(--muted)}
.key li{display:flex;align-items:center;gap:8px}
.key svg{flex:none}
.key b{white-space:nowrap}
`;

const BARS = `
.budget+.budget{margin-top:26px}
.budget h3,.group h3{display:flex;flex-wrap:wrap;justify-content:space-between;gap:2px 16px;margin-bottom:8px}
.budget h3 span,.group h3 span{font-weight:400;color:var(--muted);font-size:.875rem}
.stack{display:flex;gap:1px;height:30px;border:1px solid var(--wire);border-radius:8px;overflow:hidden;background:var(--panel)}
.stack>*{min-width:3px}
.bar,.swatch{background-color:var(--wire)}
${series}
.p1{${stripes(45, 6)}}
.p2{${stripes(90, 5)}}
.p3{${stripes(135, 6)}}
.p4{${stripes(0, 5)}}
.reserved{background-image:repeating-linear-gradient(45deg,transparent 0 3px,var(--panel) 3px 4px),repeating-linear-gradient(135deg,transparent 0 3px,var(--panel) 3px 4px)}
.bar.free{background:transparent}
.legend{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));gap:4px 24px;margin-top:12px;font-size:.875rem}
.legend li{display:flex;align-items:center;gap:8px}
.legend .value{margin-left:auto;white-space:nowrap;color:var(--muted)}
.swatch{flex:none;width:18px;height:14px;border-radius:3px;border:1px solid var(--wire)}
.total{display:grid;gap:6px;margin-bottom:24px}
.total .row{display:grid;grid-template-columns:5.5rem 1fr 7.5rem;gap:12px;align-items:center}
.total .value{text-align:right;font-weight:600}
.track{position:relative;height:26px}
.fill{height:100%;border-radius:4px;background:var(--series0);min-width:2px}
.fill.before{background:transparent;border:2px solid var(--wire)}
.fill.unknown,.swatch.unknown{background:repeating-linear-gradient(135deg,var(--wire) 0 2px,transparent 2px 8px);border:1px dashed var(--wire)}
.limit{position:absolute;top:-5px;bottom:-5px;width:0;border-left:3px dashed var(--lost);box-shadow:-1px 0 0 var(--panel),1px 0 0 var(--panel)}
.group+.group{margin-top:22px}
.prices{width:100%;border-collapse:collapse;font-size:.9375rem}
.prices th{font-weight:400;text-align:left}
.prices{table-layout:fixed}
.prices td,.prices th{padding:5px 12px 5px 0;vertical-align:middle;border-top:1px solid var(--line)}
.prices thead td,.prices thead th{border-top:0;color:var(--muted);font-size:.8125rem}
.prices th:first-child{width:32%}
.prices .amount{width:8.5rem;text-align:right;padding-right:0;white-space:nowrap}
.prices .fill{height:12px}
.prices .fill+.fill{margin-top:2px;height:7px}
.above{color:var(--lost);font-weight:600}
.sources{margin-top:20px;font-size:.875rem}
.sources ul{margin-top:8px}
.unknown-price{color:var(--outage);font-weight:600}
`;

const TABLES = `
.sheets{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,350px),1fr));gap:16px}
.sheet{width:100%;border-collapse:separate;border-spacing:0;border:1px solid var(--line);border-radius:10px;padding:4px 16px 12px;font-size:.9375rem;align-self:start}
.sheet.existing{border:1px dashed var(--wire)}
.sheet caption{text-align:left;font-size:1.0625rem;font-weight:700;padding:0 0 6px}
.sheet th,.sheet td{text-align:left;vertical-align:top;padding:5px 0;border-top:1px solid var(--line)}
.sheet tr:first-child>*{border-top:0}
.sheet th{width:7rem;font-weight:400;color:var(--muted);font-size:.875rem;padding-top:6px;overflow-wrap:normal}
.cards{width:100%;table-layout:fixed;border-collapse:collapse;font-size:.9375rem}
.cards th,.cards td{overflow-wrap:break-word;text-align:left;vertical-align:top;padding:10px 14px 10px 0;border-top:1px solid var(--line)}
.cards thead th{border-top:0;color:var(--muted);font-size:.8125rem;font-weight:600;vertical-align:bottom}
.cards th:first-child{width:22%}
.cards tbody tr:first-child>*{border-top-width:2px}
.cards th[scope=row]{font-weight:600}
.cards small{display:block;color:var(--muted);font-weight:400;font-size:.8125rem}
.notes>li{border-left:5px solid var(--level);border-radius:4px;padding:2px 0 2px 14px}
.notes>li+li{margin-top:14px}
.reason{margin-top:4px}
.ids{display:flex;flex-wrap:wrap;gap:6px;margin-top:8px}
.ids li{background:var(--sunken);border-radius:6px;padding:1px 8px}
section h3.later{margin:24px 0 10px}
@media (max-width:899px){
.cards,.cards tbody,.cards tr,.cards th,.cards td{display:block}
.cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.cards tr{border:1px solid var(--line);border-radius:10px;padding:12px 16px}
.cards tr+tr{margin-top:12px}
.cards th,.cards td,.cards th:first-child,.cards tbody tr:first-child>*{width:auto;border:0;padding:0;overflow-wrap:anywhere}
.cards th[scope=row]{font-size:1.0625rem;margin-bottom:6px}
.cards tbody tr td,.cards tbody tr:first-child td{display:grid;grid-template-columns:7.5rem 1fr;gap:10px;padding:3px 0}
.cards td::before{content:attr(data-label);color:var(--muted);font-size:.875rem}
.cards tbody tr td.empty,.cards tbody tr:first-child td.empty{display:none}
}
@media (max-width:600px){
.page{padding:20px 12px 32px}
section{padding:18px 14px;border-radius:12px}
h1{font-size:1.75rem}
.tiles{grid-template-columns:1fr 1fr;gap:8px}
.tiles>div{padding:12px 14px}
.tiles dd{font-size:1.25rem}
.total .row{grid-template-columns:1fr auto}
.total .track{grid-column:1/-1;grid-row:2}
.prices,.prices tbody{display:block}
.prices thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.prices tr{display:grid;grid-template-columns:1fr auto;gap:0 12px;padding:7px 0;border-top:1px solid var(--line)}
.prices th,.prices td,.prices th[scope=row],.prices .amount{width:auto;border:0;padding:0}
.prices .amount.none{display:none}
.prices .amount[data-label=before]{grid-column:1/-1;grid-row:3;color:var(--muted);font-size:.875rem}
.prices .amount[data-label=before]::before{content:"before: "}
.prices .graph{grid-column:1/-1;grid-row:2;padding-top:3px}
}
@media print{
body{background:#fff}
section,.change,.cards tr{break-inside:avoid}
nav{display:none}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;

export const STYLE = `:root{color-scheme:light dark;${variables(LIGHT)}}
@media screen and (prefers-color-scheme:dark){:root{${variables(DARK)}}}
${levels}${BASE}${HEADER}${CHANGES}${TOPOLOGY}${BARS}${TABLES}`;
