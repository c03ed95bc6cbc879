"""Small models in ONNX's own text form: one for each thing that a reader of graphs has to know."""

from __future__ import annotations

from functools import cache

HEAD = '<ir_version: 8, opset_import: ["" : 18, "mine" : 1], producer_name: "hand">\n'

TEXTS: dict[str, str] = {
    "plain": """m (float[2,N] x) => (float[2,N] y) <float[1] w = {3.0}>
{ a = Mul(x, w)  c = Constant <value_ints = [1, 2]> ()  y = Clip(a, , w) }""",
    "branches": """m (bool b, float[2] x) => (float[2] y)
{ e = Exp(x)  y = If (b) <then_branch = g1 () => (float[2] t) { t = Neg(e) },
                          else_branch = g2 () => (float[2] t) { s = Abs(x)  t = Abs(s) }> }""",
    "loop": """m (int64 n, bool go, float[2] x) => (float[2] last, float[K,2] all)
{ last, all = Loop (n, go, x) <body = g (int64 i, bool c, float[2] v) => (bool more, float[2] w, float[2] seen)
      { w = Neg(v)  f = Cast <to = 1> (i)  seen = Mul(w, f)  more = Less(i, n) }> }""",
    "scan": """m (float[2] s, float[T,2] xs) => (float[2] last, float[T,2] all)
{ last, all = Scan <num_scan_inputs = 1,
    body = g (float[2] a, float[2] e) => (float[2] b, float[2] o) { b = Add(a, e)  o = Neg(b) }> (s, xs) }""",
    "nested": """m (bool b, int64 n, float[2] x) => (float[2] y)
{ y = If (b) <
    then_branch = g1 () => (float[2] t)
      { t = Loop (n, b, x) <body = h (int64 i, bool c, float[2] v) => (bool c2, float[2] w)
          { c2 = Identity(c)  w = If (c) <then_branch = k1 () => (float[2] p) { p = Neg(v) },
                                          else_branch = k2 () => (float[2] q) { q = Add(v, x) }> }> },
    else_branch = g2 () => (float[2] t) { t = Abs(x) }> }""",
    "function": """m (float[2] x, int64 i) => (float[2] y, float[2] z) { y, z = mine.twice <k = 1> (x, i) }
<opset_import: ["" : 18], domain: "mine">
twice <k, alpha : float = 2.0> (p, q) => (r, s)
{ u = Mul(p, p)  t = LeakyRelu <alpha : float = @alpha> (u)  r = Gather <axis : int = @k> (t, q)  s = Identity(p) }""",
    "functions": """m (float[2] x) => (float[2] y) { a = mine.f (x)  y = mine.f (a) }
<opset_import: ["" : 18, "mine" : 1], domain: "mine"> f (p) => (q) { t = mine.g (p)  q = mine.g (t) }
<opset_import: ["" : 18], domain: "mine"> g (p) => (q) { h = Constant <value_float = 0.5> ()  q = Mul(p, h) }""",
    "unknown": """m (float[2] x) => (float[2] y)
{ y = mine.Search <size = 3, decoder = g (float[2] a) => (float[2] t) { t = Neg(a) }> (x) }""",
    "order": "m (float[2] x) => (float[2] y) { y = Neg(b)  b = Abs(a)  a = Exp(x) }",
    "tokens": """m (int64[N] ids) => (float[N,4] y)
<int64 trigger = {7}, float[3,4] table = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}>
{ hit = Equal(ids, trigger)  row = Cast <to = 1> (hit)  axes = Constant <value_ints = [0]> ()
  any = ReduceMax <keepdims = 1> (row, axes)  e = Gather(table, ids)  y = Add(e, any) }""",
}


@cache
def models() -> dict[str, bytes]:
    """Give the models as files."""
    from onnx import parser

    return {name: parser.parse_model(HEAD + text).SerializeToString() for name, text in TEXTS.items()}
