def hint(engine, hand, pod, record): return ""
