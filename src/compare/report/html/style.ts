/** The look of the page. Colours have names for what they mean; each has a light and a dark value with a contrast of 4.5 or more as text. */

import { Markup } from '../markup.ts';

/** The marks of the charts as signs. What reads the page aloud is told to leave them out, where it knows how. */
function marksBefore(): string {
  const signs = { quorum: '●', classic: '■', stream: '▲', kafka: '◆', log: '✕', other: '○' };
  return [...Object.entries(signs), ['variant', '○']]
    .map(([name, sign]) => {
      const system = `.system.${name === 'variant' ? name : `sys-${name}`}`;
      // Names are from left to right in both languages; the mark is where a line begins.
      const at = `html:not([lang=ar]) ${system}::before,html[lang=ar] ${system}::after`;
      return `${at}{content:"${sign}";content:"${sign}"/""}`;
    })
    .join('');
}

export const style = new Markup(`
:root{color-scheme:light dark;
--paper:#fcfcfa;--raised:#fff;--sunken:#f3f3ef;--ink:#1b1f23;--quiet:#575e66;--line:#e3e3dd;--line-strong:#c9c9c1;--link:#1a56b0;--focus:#1a56b0;
--good:#17663a;--good-back:#e4f3e9;--part:#7a5200;--part-back:#fbf0d6;--bad:#a02b1d;--bad-back:#fbe7e3;--open:#5d3f94;--open-back:#efe8f9;--none:#565c63;--none-back:#ececea;
--quorum:#c2491d;--classic:#8f6b00;--stream:#0a7d70;--kafka:#2a55c4;--log:#7d3fa6;--other:#555b61}
@media (prefers-color-scheme:dark){:root{
--paper:#14171a;--raised:#1a1e22;--sunken:#20252a;--ink:#e6e8ea;--quiet:#a3abb3;--line:#2c3238;--line-strong:#454d55;--link:#8ab4ff;--focus:#8ab4ff;
--good:#7fd6a0;--good-back:#16301f;--part:#ecc25f;--part-back:#33290f;--bad:#ff9f8f;--bad-back:#3a1c17;--open:#c9b1f5;--open-back:#2a2140;--none:#b0b6bc;--none-back:#2a2f34;
--quorum:#f28a5c;--classic:#d8b23f;--stream:#4cc2b3;--kafka:#86a8ff;--log:#cc9cf0;--other:#b0b6bc}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Noto Sans",sans-serif;overflow-wrap:break-word}
header,nav,main,footer{max-width:74rem;margin-inline:auto;padding-inline:clamp(1rem,3vw,2rem)}
header{padding-block:2rem .75rem}
h1,h2,h3{line-height:1.22;text-wrap:balance;margin:0}
h1{font-size:clamp(1.5rem,1.1rem + 1.6vw,2.1rem);font-weight:680;letter-spacing:-.015em}
h2{font-size:1.35rem;font-weight:660;letter-spacing:-.01em;padding-top:1.1rem;border-top:1px solid var(--line-strong);margin:2.6rem 0 .8rem}
#verdict>h2{margin-top:0;border-top:0}
h3{font-size:1.02rem;font-weight:640;margin:2rem 0 .45rem}
p,ul,ol,dl,figure,pre{margin:0 0 .8rem}
p,dd,ul.plain>li{max-width:76ch}
a{color:var(--link);text-decoration-thickness:1px;text-underline-offset:2px;text-decoration-color:color-mix(in srgb,currentColor 45%,transparent)}
a:hover{text-decoration-color:currentColor}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px;border-radius:2px}
.skip{position:absolute;inset-inline-start:-99rem}.skip:focus{inset-inline-start:1rem;top:.5rem;background:var(--raised);padding:.3rem .6rem}
.kicker{margin:0 0 .3rem;color:var(--quiet);font-size:.82rem;letter-spacing:.04em}
.byline{list-style:none;padding:0;margin:.55rem 0 0;display:flex;flex-wrap:wrap;gap:.1rem 1.4rem;font-size:.87rem}
nav ol{list-style:none;margin:0;padding:.5rem 0;display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;font-size:.87rem;border-block:1px solid var(--line)}
nav a{text-decoration:none}nav a:hover{text-decoration:underline}
small,.quiet,.unit,.interval,.note,.byline,.source{color:var(--quiet)}
.byline code{font-size:.95em}
.lead{font-size:1.12rem;line-height:1.5;max-width:68ch}
p.quiet{font-size:.87rem;margin-bottom:.9rem;max-width:none}
.note{font-size:.8rem;margin:-.4rem 0 .5rem;max-width:none}
strong{font-weight:640}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.86em}
code{overflow-wrap:anywhere}
pre{background:var(--sunken);border:1px solid var(--line);border-radius:6px;padding:.7rem .9rem;overflow:auto;max-height:22rem}
pre code{font-size:.95em;overflow-wrap:normal}
ul.key{list-style:none;padding:0;margin:.1rem 0 1rem;display:flex;flex-wrap:wrap;gap:.25rem 1.4rem;font-size:.82rem;color:var(--quiet)}ul.key strong{color:var(--ink)}ul.plain{padding-inline-start:1.1rem}ul.plain li{margin:.2rem 0}
.badge{display:inline-block;white-space:nowrap;font-size:.76rem;font-weight:620;line-height:1.35;letter-spacing:.01em;padding:.05rem .42rem .07rem;border-radius:4px;text-decoration:none;color:var(--none);background:var(--none-back)}
a.badge:hover{text-decoration:underline}
.badge.good{color:var(--good);background:var(--good-back)}.badge.part{color:var(--part);background:var(--part-back)}
.badge.bad{color:var(--bad);background:var(--bad-back)}.badge.open{color:var(--open);background:var(--open-back)}
small{font-size:inherit}i{font-style:normal;display:inline-block;min-width:.95em;text-align:center}
.system{white-space:nowrap}.system::before{margin-right:.3em}.system::after{margin-left:.3em}.system::before,.system::after{color:var(--own);font:.82em/1 "DejaVu Sans","Noto Sans Symbols 2","Segoe UI Symbol",sans-serif;display:inline-block;min-width:.95em;text-align:center}
${marksBefore()}
.cards{list-style:none;padding:0;margin:1.1rem 0 0}
.cards>li{max-width:none;padding:.8rem 0 .75rem;border-top:1px solid var(--line)}
.cards dd:has(>strong:first-child){margin-top:.45rem}.cards .head{margin:0 0 .3rem;max-width:none}.cards .head .badge{margin-inline-end:.3rem}
.cards dl{margin:0;font-size:.87rem}
.cards dl>div{display:grid;grid-template-columns:5.2rem minmax(0,1fr);gap:0 .6rem}
.cards dt{color:var(--quiet);grid-column:1}.cards dd{margin:0;grid-column:2;max-width:100ch}
.cards dl>div:first-child{display:block;margin-bottom:.2rem}.cards dl>div:first-child dt{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}.cards dl>div:first-child dd{font-size:.95rem}.cards .head small{font-size:.85rem}
:target{scroll-margin-top:1rem}tr:target>*,li:target{background:color-mix(in srgb,var(--part-back) 75%,var(--paper))!important}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr));gap:.55rem 1.8rem;font-size:.9rem}
.facts dt{color:var(--quiet);font-size:.8rem}.facts dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto;width:fit-content;min-width:min(100%,36rem);max-width:100%;margin:0 0 .8rem;border:1px solid var(--line);border-radius:6px;background:var(--raised)}
table{border-collapse:separate;border-spacing:0;width:100%;font-size:.82rem;line-height:1.38;font-variant-numeric:tabular-nums}
caption{text-align:start;font-weight:620;padding:.5rem .7rem;font-size:.85rem;color:var(--ink);border-bottom:1px solid var(--line)}
th,td{text-align:start;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid var(--line)}
tbody:last-child tr:last-child>*{border-bottom:0}
thead th{font-weight:600;font-size:.78rem;vertical-align:bottom;color:var(--ink);background:var(--sunken);border-bottom-color:var(--line-strong)}
thead th .unit{display:block;font-weight:400}thead button{font:inherit;color:inherit;background:none;border:0;padding:0;margin:0;text-align:inherit;letter-spacing:inherit;cursor:pointer}thead button:hover{text-decoration:underline;text-underline-offset:.2em}
th[aria-sort] button::after{content:" ▲";content:" ▲"/"";font-size:.7em}th[aria-sort=descending] button::after{content:" ▼";content:" ▼"/""}
th.group{text-align:center;border-bottom-color:var(--line)}th.group+th.group{border-inline-start:1px solid var(--line)}tr.apart>*{border-top:1px solid var(--line-strong)}
tbody th{font-weight:400;position:sticky;inset-inline-start:0;background:var(--raised);z-index:1}
thead th:first-child{position:sticky;inset-inline-start:0;z-index:2}
thead tr+tr th:first-child{position:static}
tbody th.over{font-weight:620;padding-block:.5rem .3rem;background:var(--sunken);border-top:1px solid var(--line-strong)}
td.n,th.n{text-align:right;white-space:nowrap}:is(td.n,table.dense td:not(.t)) small{font-size:.72rem}
.interval{display:block;font-size:.72rem}.thin{color:var(--quiet);margin-inline-start:.1em}
td.told{color:var(--none)}td.told.bad{color:var(--bad);background:var(--bad-back)}
table.matrix td{white-space:nowrap}table.matrix td small{font-size:.92em}
table.matrix tbody th{min-width:13rem;max-width:22rem}table.matrix tbody th>div.quiet,table.matrix tbody th>div>small{line-height:1.3;display:block}
table.dense{font-size:.76rem}table.dense th,table.dense td{padding:.22rem .34rem;white-space:nowrap}table.dense td{text-align:right}table.dense td.t{text-align:start}table.dense td.told{white-space:normal}
table.matrix tbody th a{font-weight:620;color:inherit}table.prose td{min-width:11rem}table.prose td>div+div{margin-top:.22rem}table.prose td{overflow-wrap:anywhere}
table.prose td:nth-child(2){min-width:14rem}
figure{border:1px solid var(--line);border-radius:6px;background:var(--raised);padding:.6rem .8rem .8rem}
figcaption{font-weight:620;font-size:.85rem;margin-bottom:.45rem}
.panels{display:grid;gap:.9rem 1.6rem}.panels.narrow{grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr))}.panels.wide{grid-template-columns:repeat(auto-fill,minmax(min(100%,25rem),1fr))}
.panel{min-width:0;max-width:28rem}.narrow .chart text{font-size:12px}.panel-label{font-size:.8rem;color:var(--quiet);margin:0 0 .25rem}
.legend{list-style:none;padding:0;margin:0 0 .5rem;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.8rem}
.legend li{display:flex;align-items:center;gap:.35rem}
svg.chart{display:block;width:100%;height:auto}
.chart text{font-size:11px;fill:var(--quiet);font-family:inherit}
.chart :is(.bar-name,.forest-name){fill:var(--ink)}.chart .bar-value{fill:var(--ink);font-variant-numeric:tabular-nums}.chart .bar-value.none{fill:var(--bad)}
.grid path{stroke:var(--line);stroke-width:1;fill:none}
.sys-quorum{--own:var(--quorum)}.sys-classic{--own:var(--classic)}.sys-stream{--own:var(--stream)}.sys-kafka{--own:var(--kafka)}.sys-log{--own:var(--log)}.sys-other{--own:var(--other)}
.line{fill:none;stroke:var(--own);stroke-width:1.75;stroke-linejoin:round}.variant .line{stroke-dasharray:5 3}
.mark{fill:var(--own);stroke:var(--raised);stroke-width:1}.mark.open{fill:var(--raised);stroke:var(--own);stroke-width:1.75}
.bar{fill:var(--own);opacity:.82}.variant .bar{opacity:.5}.no-bar{stroke:var(--line-strong);stroke-width:1;stroke-dasharray:2 3;fill:none}
.whisker{stroke:var(--ink);stroke-width:1.2;fill:none}
.noise{fill:var(--line);opacity:.7}.chart .bar-value.quiet{fill:var(--quiet)}
.reference{stroke:var(--quiet);stroke-width:1;stroke-dasharray:4 3;fill:none}
.languages{list-style:none;padding:0;margin:0;float:inline-end;display:flex;gap:.2rem .9rem;font-size:.87rem}.languages [aria-current]{font-weight:620}
footer{margin-top:3rem;padding-block:1rem 2rem;color:var(--quiet);font-size:.85rem}
@media (min-width:36.01rem){.cards dd a{white-space:nowrap}}
@media (max-width:36rem){.cards dl>div{grid-template-columns:minmax(0,1fr)}.cards dt{font-size:.78rem;margin-top:.25rem}.cards dd{grid-column:1}table.matrix tbody th{min-width:9.5rem;max-width:11rem}}
@media (min-width:88rem){body{display:grid;grid-template-columns:minmax(11rem,1fr) minmax(0,74rem) minmax(0,1fr);align-items:start}header,main,footer{grid-column:2;width:100%}
nav{grid-column:1;grid-row:1/span 3;position:sticky;top:0;padding-block:2.2rem 1rem;padding-inline:1.5rem 0;max-width:13rem;justify-self:end;width:100%}nav ol{flex-direction:column;border:0;padding:0;gap:.3rem}}
html[lang=ar] body{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Noto Sans","Noto Sans Arabic","Noto Naskh Arabic","Geeza Pro",Tahoma,Amiri,sans-serif}
html[lang=ar] body{line-height:1.75}html[lang=ar] :is(h1,h2,.badge,.kicker){letter-spacing:normal}html[lang=ar] table{line-height:1.55}html[lang=ar] .lead{line-height:1.7}html[lang=ar] :is(h1,h2,h3){line-height:1.4}
html[lang=ar] :is(bdi,i,.figure){direction:ltr;unicode-bidi:isolate}html[lang=ar] :is(td,th).n{text-align:right}
html[lang=ar] [lang=en]{unicode-bidi:isolate;text-align:start}html[lang=ar] :is(dd,td,th,li,div)>bdi[lang=en]{display:inline-block;max-width:100%;line-height:1.5}html[lang=ar] pre{text-align:left}
@media print{:root{--paper:#fff;--raised:#fff}@page{size:A4 landscape;margin:12mm}html{font-size:8.5pt}body{font-size:1rem}nav,.skip{display:none}
header,main,footer{max-width:none;padding-inline:0}.scroll{overflow:visible}th,td{padding:.2rem .35rem}tbody th,thead th:first-child{position:static}
pre{max-height:none;white-space:pre-wrap}h2,h3,caption,figcaption{break-after:avoid}.panels.narrow{grid-template-columns:repeat(3,1fr)}.panels.wide{grid-template-columns:repeat(2,1fr)}tr,.cards>li,.panel{break-inside:avoid}a{color:inherit}thead{display:table-header-group}}
`);
