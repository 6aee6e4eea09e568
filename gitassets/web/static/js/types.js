/**
 * The shapes of what the server answers. Names are those of `gitassets list --json`.
 *
 * @typedef {"audio" | "image" | "video"} Kind
 * @typedef {"draft" | "review" | "approved" | "rejected" | "revised" | "published"} Status
 * @typedef {"approve" | "reject" | "reopen"} Action
 *
 * @typedef {object} Asset
 * @property {Kind} kind
 * @property {number} segment
 * @property {Status} status
 * @property {number} take
 * @property {string} md5
 * @property {number} size_bytes
 * @property {number | null} duration_sec
 * @property {string | null} source
 * @property {string | null} prompt
 * @property {string | null} voice
 * @property {number | null} cost_usd
 * @property {string | null} reason
 * @property {string | null} stale
 * @property {boolean} altered
 * @property {string[]} conflict
 * @property {boolean} present
 * @property {string | null} media
 * @property {string | null} thumb
 * @property {string | null} peaks
 * @property {number} takes
 *
 * @typedef {object} Take
 * @property {number} take
 * @property {string} md5
 * @property {Status} status
 * @property {boolean} current
 * @property {boolean} candidate
 * @property {boolean} present
 * @property {string | null} media
 * @property {string | null} thumb
 * @property {string | null} peaks
 * @property {string | null} prompt
 * @property {string | null} source
 * @property {number | null} cost_usd
 * @property {string | null} by
 * @property {string | null} when
 * @property {string | null} reason
 * @property {number | null} duration_sec
 * @property {[string, number, number][] | null} [words]
 *
 * @typedef {object} Past
 * @property {string} commit
 * @property {string} when
 * @property {string} by
 * @property {string} what
 * @property {string | null} reason
 *
 * @typedef {object} Reply
 * @property {string} id
 * @property {string} body
 * @property {string} author
 * @property {string} created
 *
 * @typedef {object} Annotation
 * @property {string} id
 * @property {string} md5
 * @property {Kind} kind
 * @property {number | null} [take]
 * @property {string} body
 * @property {string} author
 * @property {string} created
 * @property {[number, number] | null} time
 * @property {[number, number, number, number] | null} region
 * @property {"open" | "settled"} state
 * @property {Reply[]} [replies]
 *
 * @typedef {object} Extra
 * @property {Take[]} takes
 * @property {Past[]} history
 * @property {Annotation[]} annotations
 * @property {string | null} locks
 * @property {Gap[]} gaps
 * @property {number | null} [frame_rate] Of a clip, in frames a second.
 *
 * @typedef {Omit<Asset, "takes"> & Extra} Detail
 *
 * @typedef {object} Row
 * @property {number} segment
 * @property {string} text
 * @property {string} shown The text without the marks of Markdown.
 * @property {string | null} notes
 * @property {string} sync_status
 * @property {string | null} wanted_prompt What was asked for since the picture was made.
 * @property {boolean} text_in_conflict
 * @property {string[]} texts Those of two branches that both changed the text.
 * @property {Record<Kind, Asset | null>} assets
 * @property {number | null} carried_from
 *
 * @typedef {object} Can
 * @property {boolean} decide
 * @property {boolean} buy
 * @property {boolean} [needs_name] A visitor who has to give a name before deciding.
 * @property {string | null} [name]
 *
 * @typedef {object} RunInfo
 * @property {string} run_id
 * @property {string} title
 * @property {string} head
 * @property {string} production_state
 * @property {number} segments
 * @property {number[]} bare The segments without any asset.
 * @property {number[]} disputed The segments whose text two branches changed.
 * @property {Record<string, number>} counts
 * @property {number} decided
 * @property {number} undecided
 * @property {number} assets_total
 * @property {Can} can
 * @property {{gaps: Gap[], gaps_total: number, problem: string | null, built: {media: string, md5: string} | null}} build
 * @property {Row[]} rows
 * @property {IndexLine[]} [index]
 * @property {number} [from] The position of the first row.
 * @property {boolean} [is_open]
 *
 * @typedef {[number, Kind, Status, string, string | null, number | null]} IndexLine Segment, kind, status, hash, marks, length.
 *
 * @typedef {{segment: number, kind: Kind, problem: string}} Gap
 *
 * @typedef {object} Entry One line of the compact index.
 * @property {number} segment
 * @property {Kind} kind
 * @property {Status} status
 * @property {string} md5
 * @property {string[]} flags
 * @property {number | null} duration_sec
 *
 * @typedef {object} Decided
 * @property {string | null} commit
 * @property {Asset[]} assets
 * @property {string | null} undo
 * @property {Record<string, string | null>} [notes] By segment.
 * @property {string} head
 * @property {Record<string, number>} counts
 * @property {number} decided
 *
 * @typedef {object} Job
 * @property {string} job
 * @property {string} [kind]
 * @property {string} [run_id]
 * @property {number} done
 * @property {number} total
 * @property {string} [step]
 * @property {string} [text]
 * @property {"waiting" | "running" | "done" | "failed"} state
 * @property {string} [hint]
 * @property {any} [result]
 *
 * @typedef {object} Shot
 * @property {number} segment
 * @property {number} start_sec
 * @property {number} duration_sec
 * @property {"clip" | "still" | "held" | "card"} [look] `held`: the last frame of the clip.
 * @property {{media: string, status: Status} | null} audio
 * @property {string} [text]
 * @property {{media: string, kind: Kind, md5: string, status: Status} | null} visual
 * @property {{from: number, to: number, begun_sec: number, duration_sec: number} | null} camera 0: all of the picture is seen; 1: the camera is as near as it goes. The move may have begun in an earlier shot.
 */
export {};
