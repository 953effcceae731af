# ruff: noqa: E501  a sentence a line, however wide its characters
"""Every sentence a trace says, once, in English and Chinese. Braces stand for this pass's own names and numbers."""

from backlit.errors import unknown_option

LANGUAGES = ("en", "zh")

SENTENCES: dict[str, tuple[str, str]] = {
    # the equations by their words
    "eq.z": ("feed forward: weighted input", "前向传播：加权输入"),
    "eq.a": ("feed forward: activation", "前向传播：激活值"),
    "eq.slope": ("slope of the activation", "激活函数的斜率"),
    "eq.dC_da.output": ("gradient of the cost at the output", "代价对输出的梯度"),
    "eq.dC_da": ("error passed back to an activation, the first half of BP2", "传回激活值的误差（BP2 的前一半）"),
    "eq.delta.output": ("BP1, error of the output", "BP1，输出层的误差"),
    "eq.delta": ("BP2, error of a hidden layer", "BP2，隐藏层的误差"),
    "eq.bias": ("BP3, gradient of the biases", "BP3，偏置的梯度"),
    "eq.weight": ("BP4, gradient of the weights", "BP4，权重的梯度"),
    "eq.cost": ("the cost", "代价"),
    "eq.row_cost": ("the cost of a row", "一行样本的代价"),
    "eq.penalty": ("the penalty", "惩罚项"),
    "eq.update_weight": ("update of a weight", "权重的更新"),
    "eq.update_bias": ("update of a bias", "偏置的更新"),
    "eq.W": ("a weight, given", "权重（给定）"),
    "eq.b": ("a bias, given", "偏置（给定）"),
    "eq.x": ("an input, given", "输入（给定）"),
    "eq.y": ("a target, given", "目标（给定）"),
    # the factors of a product
    "factor.dC_da": ("how the cost changes with this neuron's activation", "代价随该神经元激活值的变化"),
    "factor.slope": ("how far this neuron can still move: σ′", "该神经元还能移动多少：σ′"),
    "factor.a": ("what came in along this weight", "沿此权重传入的值"),
    "factor.delta": ("the error of the neuron it leads to", "它所通向的神经元的误差"),
    "factor.sum": (
        "the errors of the next layer, weighed by the weights that lead there",
        "下一层的误差，按通向它们的权重加权",
    ),
    "factor.difference": ("output less target: ∂C/∂a · σ′ after cancellation", "输出减目标：∂C/∂a · σ′ 约分之后"),
    "factor.eta": ("the learning rate", "学习率"),
    "factor.gradient": ("the gradient", "梯度"),
    # notes
    "note.dropout": (
        "the network has dropout; this pass is traced without it, as predictions are made",
        "该网络带有 dropout；此处按预测时的方式追踪，不使用 dropout",
    ),
    "note.non_finite": (
        "{where} is {value}: not finite; what was computed from it cannot be read, and the trace stops there",
        "{where} 为 {value}：不是有限数；由它算出的数已无意义，追踪到此为止",
    ),
    "note.derived": (
        "derived: the engine never forms this number; it is computed from the pass by the same functions",
        "推导值：引擎从不单独计算这个数；它由同一组函数从这次传播的结果算出",
    ),
    "note.fused": (
        "the engine takes the fused form of {pair}: ∂C/∂a · σ′ cancels to a − y, which stays finite where ∂C/∂a does not",
        "引擎使用 {pair} 的融合形式：∂C/∂a · σ′ 约分为 a − y，即使 ∂C/∂a 无穷大，它仍然有限",
    ),
    "note.cost_from_z": (
        "at a wrong or a full certainty the logarithm of a is infinite; the engine takes this cost from z, where it is not",
        "在完全确定处 a 的对数无穷大；引擎改由 z 计算该代价，因而有限",
    ),
    "note.softmax": (
        "softmax: every output depends on every z of its layer, so no term vanishes; the cross terms are inside δ^L",
        "softmax：每个输出都依赖本层的每个 z，没有任何一项消失；交叉项都包含在 δ^L 之中",
    ),
    "note.kink": (
        "z is exactly 0, where {activation} has a kink; Backlit takes the slope {slope} there",
        "z 恰好为 0，{activation} 在此处有折点；Backlit 取斜率 {slope}",
    ),
    "note.batch": (
        "the gradient is the mean over the rows; each row's own part is shown with row=",
        "梯度是各行的平均；用 row= 查看某一行的部分",
    ),
    "note.penalty_only_weights": ("biases are never penalised", "偏置从不受惩罚"),
    "note.optimizer": (
        "{optimizer} makes this update from the gradient and what it remembers; only plain gradient descent is −η ∂C/∂θ",
        "{optimizer} 由梯度和它记住的历史算出此更新；只有普通梯度下降才是 −η ∂C/∂θ",
    ),
    "note.paths_end": (
        "paths end at the weighted inputs of the output layer, with δ^L as their last factor",
        "路径止于输出层的加权输入，最后一个因子是 δ^L",
    ),
    # the terminal and the page
    "part.network": ("network", "网络"),
    "part.objective": ("objective", "目标函数"),
    "part.engine": ("engine", "引擎"),
    "part.notation": ("notation", "记号"),
    "part.counting": (
        "layers count from 1 (the input), neurons, inputs and rows from {first}",
        "层从 1 起（输入层），神经元、输入和行从 {first} 起",
    ),
    "part.row": ("row {row}", "第 {row} 行"),
    "part.layer": ("layer {l}", "第 {l} 层"),
    "part.input": ("the input", "输入层"),
    "part.forward": ("Forward", "前向"),
    "part.backward": ("Backward", "反向"),
    "part.gradients": ("Gradients of the weights", "权重的梯度"),
    "part.equations": ("The equations", "方程"),
    "part.cost": ("The cost", "代价"),
    "part.updates": ("Updates", "更新"),
    "part.largest": ("the {shown} largest of {count}", "共 {count} 个，显示最大的 {shown} 个"),
    "part.spread": ("spread from {low} to {high}", "分布于 {low} 到 {high}"),
    "part.neuron": ("neuron", "神经元"),
    "part.derivation": ("derivation", "推导"),
    "part.single": ("one neuron a layer", "每层一个神经元"),
    "part.general": ("in general", "一般情形"),
    "part.rest": (
        "rows {first} to {last} are in the record, and not shown",
        "第 {first} 至 {last} 行在记录中，此处未显示",
    ),
    # the page
    "page.title": ("one pass, there and back", "一次传播，去与回"),
    "page.language": ("language", "语言"),
    "page.row": ("row", "行"),
    "page.numbers": ("Every number of the pass", "这次传播的每一个数"),
    "page.weights": ("weights", "权重"),
    "page.weights_hint": (
        "each weight above its gradient; columns lead in, rows receive; arrow keys walk",
        "每格上为权重、下为梯度；列为来源，行为去向；方向键移动",
    ),
    "page.hint": ("Point at a neuron, a weight or a number, or tap it.", "指向或点按任一神经元、权重或数字。"),
    "page.keys": (
        "Point, tap, or use the keyboard: arrows move between neurons, w goes to the weights that lead in, Enter holds.",
        "指向、点按或用键盘：方向键在神经元间移动，w 转到传入的权重，Enter 固定说明。",
    ),
    "page.edit": ("change it", "修改"),
    "page.step": ("take one step", "更新一步"),
    "page.reset": ("back to the record", "恢复原记录"),
    "page.edited": (
        "Changed: every number below was recomputed in this page, in float64.",
        "已修改：以下每个数都已在本页中以 float64 重新计算。",
    ),
    "page.float32": (
        "The record is of a float32 network; after a change the page recomputes in float64.",
        "该记录来自 float32 网络；修改后本页以 float64 重新计算。",
    ),
    "page.largest": (
        "The network has {weights} weights, too many for one page: up to {shown} neurons of each layer are shown, those "
        "with the largest errors; sums still count the rest.",
        "该网络有 {weights} 个权重，一页放不下：每层最多显示 {shown} 个误差最大的神经元；求和仍包含其余部分。",
    ),
    "page.not_editable": (
        "This page cannot recompute the pass, so nothing can be changed.",
        "本页无法重新计算，因此不能修改。",
    ),
    "page.made_from": ("Made from", "由此得来"),
    "page.leads_to": ("Leads to", "由此而去"),
    "page.paths": ("Paths to the cost: {count}", "通向代价的路径：{count} 条"),
    "page.paths_sum": (
        "{shown} of {count} paths add up to {sum}; all of them, by BP2, to {gradient}",
        "{count} 条中的 {shown} 条之和为 {sum}；由 BP2，全部之和为 {gradient}",
    ),
    "about.backlit": (
        "Rows are samples; W^l leads into layer l, row j into neuron j; neurons, inputs and rows count from 0.",
        "每行一个样本；W^l 通向第 l 层，第 j 行通向神经元 j；神经元、输入和行从 0 起。",
    ),
    "about.nielsen": (
        "Activations are columns; w^l_jk leads from neuron k of layer l-1 to neuron j of layer l; neurons count from 1.",
        "激活值为列向量；w^l_jk 从第 l-1 层神经元 k 通向第 l 层神经元 j；神经元从 1 起。",
    ),
    "about.ng": (
        "Θ^(l) maps layer l to l+1; its column 0 is the bias, which meets a_0 = 1; Δ gathers the rows, D is the gradient.",
        "Θ^(l) 从第 l 层映到第 l+1 层；第 0 列是偏置，与 a_0 = 1 相乘；Δ 逐行累加，D 为梯度。",
    ),
    "about.previous-layer": (
        "Layers are named from the output; w^(L-1) and b^(L-1) stand between L-1 and L; the recursion is on ∂C/∂a.",
        "层从输出端命名；w^(L-1) 与 b^(L-1) 位于 L-1 与 L 之间；递推的是 ∂C/∂a。",
    ),
    # why a line of a derivation holds
    "why.chain": ("chain rule, over everything it enters", "链式法则：对它影响到的一切求和"),
    "why.enters_one": (
        "it enters one weighted input only; every other term is 0",
        "它只进入一个加权输入；其余各项为 0",
    ),
    "why.elementwise": (
        "an activation depends on its own z alone; every other term is 0",
        "激活值只依赖自己的 z；其余各项为 0",
    ),
    "why.softmax": (
        "softmax: every output depends on every z, so no term vanishes",
        "softmax：每个输出依赖每个 z，没有一项为 0",
    ),
    "why.cancel": ("what is infinite at saturation cancels", "饱和处的无穷大被约去"),
    "why.linear": ("z is linear in it", "z 对它是线性的"),
    "why.by_definition": ("that is what δ is", "这就是 δ 的定义"),
    "why.rows": ("the mean over the rows", "对各行取平均"),
    # channels
    "kind.weight": ("weight", "权重"),
    "kind.bias": ("bias", "偏置"),
    "kind.activation": ("activation", "激活值"),
    "kind.input": ("input", "输入"),
    "paths.title": (
        "{kind} ({at}) reaches the cost by {count} paths; layer:neuron, layers from 1, neurons from 0",
        "{kind}（{at}）经 {count} 条路径影响代价；记作 层:神经元，层从 1 起，神经元从 0 起",
    ),
    "paths.more": ("  … and {count} more", "  …… 另有 {count} 条"),
    "paths.carried": (
        "the {listed} largest paths add up to {sum} and carry {share} % of all that flows",
        "最大的 {listed} 条路径之和为 {sum}，占全部流量的 {share} %",
    ),
    "paths.sum": ("all paths, one by one, add up to {sum}", "逐条相加，所有路径之和为 {sum}"),
    "paths.proof": (
        "all paths together, by BP2: {total}; the gradient of the pass: {gradient}; apart by {gap}",
        "由 BP2 求得的全部路径之和：{total}；这次传播的梯度：{gradient}；相差 {gap}",
    ),
    # plain language: {neuron}, {layer} and numbers
    "say.row": ("Row {row}.", "第 {row} 行。"),
    "say.start": (
        "The network reads {n} numbers and answers with {outputs}. It was told that the right answer is {target}.",
        "网络读入 {n} 个数，给出回答 {outputs}。正确的答案是 {target}。",
    ),
    "say.z": (
        "Neuron {j} of layer {l} adds up what reaches it, each input times its weight, and its bias: {value}.",
        "第 {l} 层的神经元 {j} 把传来的输入分别乘以权重相加，再加上偏置，得到 {value}。",
    ),
    "say.a": (
        "{activation} turns {z} into {value}, and that is what neuron {j} of layer {l} passes on.",
        "{activation} 把 {z} 变为 {value}，这就是第 {l} 层神经元 {j} 向前传递的值。",
    ),
    "say.input": ("Input {j} is {value}.", "输入 {j} 是 {value}。"),
    "say.output.high": (
        "Output {j} is {a}, and should be {y}: too high by {gap}.",
        "输出 {j} 是 {a}，应为 {y}：高了 {gap}。",
    ),
    "say.output.low": (
        "Output {j} is {a}, and should be {y}: too low by {gap}.",
        "输出 {j} 是 {a}，应为 {y}：低了 {gap}。",
    ),
    "say.output.right": ("Output {j} is {a}, as it should be.", "输出 {j} 是 {a}，正好正确。"),
    "say.cost": ("That mistake costs {value}.", "这个错误的代价是 {value}。"),
    "say.penalty": ("Large weights add a penalty of {value}.", "较大的权重另加惩罚 {value}。"),
    "say.delta.up": (
        "The error of neuron {j} of layer {l} is {value}: were its weighted input larger, the cost would rise.",
        "第 {l} 层神经元 {j} 的误差是 {value}：若它的加权输入变大，代价会上升。",
    ),
    "say.delta.down": (
        "The error of neuron {j} of layer {l} is {value}: were its weighted input larger, the cost would fall.",
        "第 {l} 层神经元 {j} 的误差是 {value}：若它的加权输入变大，代价会下降。",
    ),
    "say.delta.none": (
        "The error of neuron {j} of layer {l} is 0: nothing reaches it from the cost.",
        "第 {l} 层神经元 {j} 的误差是 0：代价没有任何影响传到它。",
    ),
    "say.slope": (
        "Its slope is {value}: that share of a small push on its weighted input gets through.",
        "它的斜率是 {value}：加权输入受到的微小推动有这么大的比例能通过。",
    ),
    "say.slope.flat": (
        "Its slope is {value}: it is nearly flat, so hardly any blame gets through.",
        "它的斜率是 {value}：几乎是平的，误差几乎传不过去。",
    ),
    "say.dC_da": (
        "If the activation of neuron {j} of layer {l} rose by a little, the cost would change by {value} times as much.",
        "若第 {l} 层神经元 {j} 的激活值略微增加，代价的变化是它的 {value} 倍。",
    ),
    "say.weight": (
        "The weight from {k} to {j} of layer {l} has gradient {value}: what came in times the error of the neuron.",
        "第 {l} 层从 {k} 到 {j} 的权重的梯度是 {value}：传入的值乘以该神经元的误差。",
    ),
    "say.bias": (
        "The bias of neuron {j} of layer {l} has gradient {value}: the error itself, for its input is always 1.",
        "第 {l} 层神经元 {j} 的偏置的梯度是 {value}：就是误差本身，因为它的输入恒为 1。",
    ),
    "say.largest": (
        "The steepest weight of layer {l} leads from {k} to {j}: its gradient is {value}.",
        "第 {l} 层中梯度最大的权重从 {k} 通向 {j}：梯度为 {value}。",
    ),
    "say.more": ("({count} more neurons of layer {l} are not told.)", "（第 {l} 层另有 {count} 个神经元未叙述。）"),
    "say.step": (
        "Step {number}: every parameter moves against its gradient, and the cost goes from {before} to {after}.",
        "第 {number} 步：每个参数逆着梯度移动，代价从 {before} 变为 {after}。",
    ),
    # the company
    "company.start": (
        "A company: those below report what they see ({reports} in all), those between weigh what they hear (levels: {layers}), and the head forecasts.",
        "一家公司：{reports} 份报告说出所见，中间 {layers} 级权衡所闻，最后由负责人作出预测。",
    ),
    "company.day": ("Day {number}.", "第 {number} 天。"),
    "company.name.report": ("report {j}", "报告 {j}"),
    "company.name.middle": ("department {j}", "部门 {j}"),
    "company.name.deep": ("department {j} on level {l}", "第 {l} 级的部门 {j}"),
    "company.name.head": ("the head", "负责人"),
    "company.name.heads": ("head {j}", "负责人 {j}"),
    "company.report": ("{who} says {value}.", "{who}说：{value}。"),
    "company.weigh": (
        "For {who} it counts {trusts}, and a leaning of {lean}: together {z}; what is passed on is {a}.",
        "{who}权衡：{trusts}，再加自己的倾向 {lean}：合计 {z}；向上传的是 {a}。",
    ),
    "company.head.high": (
        "From {who} comes {a}, and it should have been {y}: {gap} too high.",
        "{who}预测 {a}，实际是 {y}：高了 {gap}。",
    ),
    "company.head.low": (
        "From {who} comes {a}, and it should have been {y}: {gap} too low.",
        "{who}预测 {a}，实际是 {y}：低了 {gap}。",
    ),
    "company.head.right": ("From {who} comes {a}: exactly right.", "{who}预测 {a}：完全正确。"),
    "company.cost": ("The mistake costs {value}.", "这个错误的代价是 {value}。"),
    "company.blame.less": (
        "Blame for {who}: {delta}; less would have been better.",
        "{who}承担的责任：{delta}；说少些会更好。",
    ),
    "company.blame.more": (
        "Blame for {who}: {delta}; more would have been better.",
        "{who}承担的责任：{delta}；说多些会更好。",
    ),
    "company.blame.none": ("No blame reaches {who}.", "没有责任传到{who}。"),
    "company.move": ("(Room to move: {slope}.)", "（还能移动的余地：{slope}。）"),
    "company.rule": (
        "Trust changes by how much was said times the blame, times {eta}, the other way.",
        "信任的变化：所说的多少乘以责任，再乘以 {eta}，取相反方向。",
    ),
    "company.trust": ("At {who}: {changes}; leaning {lean}.", "{who}处：{changes}；倾向 {lean}。"),
    "company.better": (
        "The same forecast now costs {after} instead of {before}.",
        "同样的预测，代价由 {before} 降为 {after}。",
    ),
    "company.worse": (
        "The same forecast now costs {after}, more than {before}: the step was too long.",
        "同样的预测，代价由 {before} 升为 {after}：这一步迈得太大。",
    ),
    "company.end": (
        "After {steps} day(s) the cost has gone from {before} to {after}.",
        "{steps} 天之后，代价从 {before} 变为 {after}。",
    ),
}


def say(key: str, lang: str = "en", **values: object) -> str:
    """One sentence, its braces filled.

    Raises:
        OptionError: no such language.

    >>> say("eq.bias", "zh")
    'BP3，偏置的梯度'
    """
    if lang not in LANGUAGES:
        raise unknown_option("lang", lang, LANGUAGES)
    text = SENTENCES[key][LANGUAGES.index(lang)]
    return text.format(**values) if values else text
