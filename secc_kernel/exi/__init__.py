"""Schema-informed EXI 1.0 (W3C Recommendation, second edition): declarations, grammars, codec.

This room knows nothing of charging. It turns typed declarations (`declare`, `datatypes`) into a schema (`schema`),
the schema into EXI grammars (`grammar`), and the grammars into two readers and two writers that agree bit by bit:

* the *compiled* ones (`compiler`): Python source generated once per type from its grammar, for streams that follow
  the schema. They are the common path. Where the extension is installed (`native`), its loops in C take their place:
  one interpreter of the same grammars for all types, since a C function each would come to a hundred megabytes.
  Types are compiled when first needed, and what was compiled is kept on disk (`cache`) for the next process.
* the *careful* ones (`reader`, `writer`): they interpret the same grammar one event at a time. The careful reader
  understands everything that EXI allows in non-strict mode (deviations from the schema, string-table references,
  unknown elements), turns it into findings, can trace every bit, and says where and why a stream stops making
  sense. The careful writer writes string tables on request, and says which value cannot be written.

The compiled reader gives up as soon as it meets anything unusual; the careful one then starts over. So there is
one place for each question: what a stream means is in the grammar, what to do when it is odd is in the reader.

Options are those of ISO 15118: bit-packed, schema-informed, not strict, no preserved lexical details, no options in
the header. Written streams carry no string-table references (valuePartitionCapacity 0).
"""
